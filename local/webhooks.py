"""The routes that carriers call; the work is done in `bots/`."""

from flask import Blueprint, Response, request

from bots.channels import Handle
from bots.sms.webhook import SmsWebhook
from bots.telegram.webhook import TelegramWebhook

LARGEST_BODY = 1024 * 1024


def create_webhooks(sms: SmsWebhook, telegram: TelegramWebhook) -> Blueprint:
    """The blueprint with /webhooks/…; a body over 1 MB is answered 413."""
    blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

    @blueprint.before_request
    def allow_long_bodies() -> None:
        request.max_content_length = LARGEST_BODY

    @blueprint.post("/sms")
    def texts() -> Response:
        return _answer(sms.handle)

    @blueprint.post("/sms/status")
    def delivery_reports() -> Response:
        return _answer(sms.handle_status)

    @blueprint.post("/telegram")
    def updates() -> Response:
        return _answer(telegram.handle)

    return blueprint


def _answer(handle: Handle) -> Response:
    # Carriers sign the address as they sent it, before any decoding.
    address = request.environ.get("REQUEST_URI") or request.full_path.removesuffix("?")
    answer = handle(address, dict(request.headers), request.get_data(cache=False))
    return Response(answer.body, answer.status, content_type=answer.content_type)
