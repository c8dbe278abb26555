"""A text from the carrier: from the signed form to the TwiML."""

import itertools
from collections.abc import Callable
from urllib.parse import urlencode

from limits.storage import MemoryStorage
from twilio.request_validator import RequestValidator

from benchmarks.lines import NUMBER, make_line
from benchmarks.measure import medians
from benchmarks.setting import Servers, Setting, durable_insert
from benchmarks.table import Row
from bots.conversation import Conversation
from bots.message_limit import MessageLimit
from bots.sms.webhook import SmsWebhook

AUTH_TOKEN = "benchmark"
PUBLIC_URL = "http://localhost:8000"
PATH = "/webhooks/sms"
ROUNDS = 200


def sms_join(servers: Servers) -> Row:
    """A new guest's JOIN by text, against the same join in core."""
    setting = servers.on_mariadb()
    queue_id = make_line(setting.engine, "DOOR", 10)
    steps = {
        "b": durable_insert(servers.held_connection(setting)),
        "join": setting.committed(setting.join(queue_id)),
        "text": _text(setting),
    }
    took = medians(steps, ROUNDS)
    ratios = {"join": took["text"] / took["join"], "b": took["text"] / took["b"]}
    return Row("SMS JOIN, signed form to TwiML", 10, ratios, target={"join": 1.5, "b": 10.0})


def _text(setting: Setting) -> Callable[[], Callable[[], object]]:
    limit = MessageLimit(MemoryStorage())
    conversation = Conversation(
        setting.records, setting.queues, setting.contacts, setting.positions, PUBLIC_URL, limit=limit
    )
    webhook = SmsWebhook(AUTH_TOKEN, PUBLIC_URL, conversation.answer, delivery=lambda _status: None)
    signer = RequestValidator(AUTH_TOKEN)
    messages = itertools.count()

    def prepare() -> Callable[[], object]:
        form = {
            "MessageSid": f"SM{next(messages):032x}",
            "AccountSid": "AC" + "0" * 32,
            "From": setting.phone(),
            "To": NUMBER,
            "Body": "JOIN DOOR 2 Ana",
            "NumMedia": "0",
            "NumSegments": "1",
        }
        headers = {
            "X-Twilio-Signature": signer.compute_signature(PUBLIC_URL + PATH, form),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(form).encode()
        return lambda: webhook.handle(PATH, headers, body)

    if b"place" not in prepare()().body.lower():  # type: ignore[attr-defined]
        raise AssertionError("the benchmark's JOIN was not answered with a place")
    return prepare
