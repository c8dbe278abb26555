"""The side that carriers talk to, played on a real loopback server together with the simulator.

The webhooks write down what comes, after checking the signature as the real ones do, and answer what the test
lays out for them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote
from xml.sax.saxutils import escape

import httpx
from flask import Flask, Response, request
from twilio.request_validator import RequestValidator
from werkzeug.serving import make_server

from core.clock import Clock, system_clock
from local.simulator import SimulatorSettings, State, create_simulator

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "made-up-auth-token"
BOT_TOKEN = "7000000001:made-up-bot-token"
WEBHOOK_SECRET = "made-up-webhook-secret"
PUBLIC_URL = "https://queue.example:8443/line"

BAR, CLUB = "+15550100001", "+15550100002"
ANA, BEN, CARLA = "sms:+15550100101", "sms:+15550100102", "whatsapp:+15550100103"
TELEGRAM_ANA, TELEGRAM_JOAO = "telegram:7001000101", "telegram:7001000102"

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Call:
    """One call of a webhook, let in by its signature."""

    path: str
    values: Mapping[str, Any]
    host: str


def twiml(*texts: str) -> Response:
    messages = "".join(f"<Message>{escape(text)}</Message>" for text in texts)
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{messages}</Response>', content_type="text/xml")


class House:
    """`calls` are the webhooks' calls so far; `answers` lays out what a path answers next, or always."""

    def __init__(self, clock: Clock = system_clock, **overrides: Any) -> None:
        self.calls: list[Call] = []
        self.refused: list[str] = []
        self.answers: dict[str, Callable[[Call], Response]] = {}
        self._validator = RequestValidator(AUTH_TOKEN)
        self._app = Flask("house")
        self._app.add_url_rule("/webhooks/<path:rest>", view_func=self._webhook, methods=["POST"])
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self.inside = State(clock)
        settings: dict[str, Any] = {
            "public_url": PUBLIC_URL,
            "base_url": self.base_url,
            "twilio_account_sid": ACCOUNT_SID,
            "twilio_auth_token": AUTH_TOKEN,
            "telegram_bot_token": BOT_TOKEN,
            "telegram_webhook_secret": WEBHOOK_SECRET,
            "telegram_bot_name": "queue_bot",
            "numbers": lambda: [("The Bar", BAR), ("The <b>Club</b>", CLUB)],
            "codes": lambda: [("Tables", "DEMO")],
            "pause_seconds": 0.01,
        }
        self._app.register_blueprint(create_simulator(SimulatorSettings(**settings | overrides), self.inside))
        self.client = httpx.Client(base_url=self.base_url + "/simulator", timeout=10.0, trust_env=False, verify=False)

    @contextmanager
    def serving(self) -> Iterator[Self]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.client.close()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    # ---- our side ----------------------------------------------------------------------------------

    def _webhook(self, rest: str) -> Response:
        path = f"/webhooks/{rest}"
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        if rest == "telegram":
            genuine = request.headers.get("X-Telegram-Bot-Api-Secret-Token") == WEBHOOK_SECRET
            values = request.get_json()
        else:
            signature = request.headers.get("X-Twilio-Signature", "")
            genuine = self._validator.validate(PUBLIC_URL + path + query, request.form, signature)
            values = request.form.to_dict()
        if not genuine:
            self.refused.append(path)
            return Response(status=403)
        call = Call(path + query, values, request.headers["Host"])
        self.calls.append(call)
        answer = self.answers.get(path)
        if answer:
            return answer(call)
        return Response("<Response/>", content_type="text/xml") if path == "/webhooks/sms" else Response()

    def called(self, path: str) -> list[Mapping[str, Any]]:
        return [call.values for call in self.calls if call.path.partition("?")[0] == path]

    # ---- the page's side ---------------------------------------------------------------------------

    def write(self, conversation: str, text: str, to: str | None = None) -> httpx.Response:
        body = {"text": text} | ({"to": to} if to else {})
        return self.client.post(f"/conversations/{quote(conversation)}/messages", json=body)

    def press(self, conversation: str, message_id: int, data: str) -> httpx.Response:
        body = {"message_id": message_id, "data": data}
        return self.client.post(f"/conversations/{quote(conversation)}/presses", json=body)

    def turn(self, conversation: str, name: str, on: bool) -> None:
        body = {"name": name, "on": on}
        self.client.post(f"/conversations/{quote(conversation)}/switches", json=body).raise_for_status()

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.client.get("/state").raise_for_status().json()
        return state

    def conversation(self, conversation: str) -> dict[str, Any]:
        return next(known for known in self.state()["changed"] if known["id"] == conversation)

    def shown(self, conversation: str, *sides: str) -> list[str]:
        """The texts on a phone's screen, of these sides or of all."""
        entries = self.conversation(conversation)["entries"]
        return [entry["text"] for entry in entries if not sides or entry["side"] in sides]

    def statuses(self) -> list[str]:
        return [values["MessageStatus"] for values in self.called("/webhooks/sms/status")]


def eventually(seen: Callable[[], Any], wanted: Any) -> None:
    """Looks until `seen()` is what is wanted; fails with what it last was."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (last := seen()) != wanted:
        assert time.monotonic() < give_up, f"still {last!r}, not {wanted!r}"
        time.sleep(0.01)
