"""Telegram's Bot API over HTTP: POST …/bot{token}/{method}, form-encoded or JSON."""

import secrets
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from local.simulator.bot_methods import BotError, BotMethods
from local.simulator.settings import SimulatorSettings


def register_telegram_api(blueprint: Blueprint, settings: SimulatorSettings, methods: BotMethods) -> None:
    """Adds the route to the simulator's blueprint."""

    @blueprint.post("/telegram/bot<token>/<method>")
    def call_bot_method(token: str, method: str) -> ResponseReturnValue:
        try:
            if not secrets.compare_digest(token.encode(), settings.telegram_bot_token.encode()):
                raise BotError(401, "Unauthorized")
            parameters = _parameters()
            methods.refuse_if_switched(parameters)
            return jsonify(ok=True, result=methods.call(method, parameters))
        except BotError as error:
            body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": str(error)}
            if error.retry_after is not None:
                body["parameters"] = {"retry_after": error.retry_after}
            return jsonify(body), error.code


def _parameters() -> dict[str, Any]:
    if not request.is_json:
        return request.form.to_dict()
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BotError(400, "Bad Request: the body is not a JSON object")
    return given
