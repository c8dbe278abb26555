"""The guests of the evening: what each of them texts, how the carriers bring it, and what was answered."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator

from tests.parameters import PARAMETERS
from tests.soak.edition import Edition
from tests.soak.repeats import at_once, until_answered

NUMBER = "+15550100001"
NAMES = ("Ana", "Bela", "Caio", "Davi", "Elena", "Otto", "Tess", "Wanda")
SIGNING = RequestValidator(PARAMETERS["TWILIO_AUTH_TOKEN"])


@dataclass(frozen=True)
class Said:
    """One message of a guest's, and what was answered to it, each time that it was delivered."""

    carrier_id: str
    text: str
    answers: Sequence[str]

    @property
    def answer(self) -> str:
        return self.answers[0]


@dataclass
class Guest:
    """Somebody with a phone who wants into one line. `chance` makes the guest, the same for each seed."""

    number: int
    join_code: str
    chance: random.Random
    said: list[Said] = field(default_factory=list)
    _phone: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.channel = self.chance.choice(("sms", "telegram"))
        self.address = f"+1555{self.number:07}" if self.channel == "sms" else str(10**6 + self.number)
        self.name = self.chance.choice(NAMES)
        self.party_size = self.chance.randint(1, 8)

    def come(self, edition: Edition) -> None:
        """Join, some without a word on the party, some twice."""
        with self._phone:
            if self.chance.random() < 0.8:
                self._say(edition, f"JOIN {self.join_code} {self.party_size} {self.name}")
            else:
                self._say(edition, f"JOIN {self.join_code}")
                self._say(edition, f"{self.party_size} {self.name}")
            if self.chance.random() < 0.15:
                self._say(edition, f"JOIN {self.join_code}")

    def wait(self, edition: Edition) -> None:
        """Some ask for the place, some give it up."""
        with self._phone:
            if self.chance.random() < 0.3:
                self._say(edition, "POSITION")
            if self.chance.random() < 0.12:
                self._say(edition, "LEAVE")
                self._say(edition, "LEAVE")

    def _say(self, edition: Edition, text: str) -> None:
        """Send a message, which one carrier in ten brings twice in the same instant."""
        if self.channel == "sms":
            carrier_id = f"SM{self.chance.getrandbits(128):032x}"
            ask = partial(_text, edition, carrier_id, self.address, text)
        else:
            # Telegram's ids are as unique as those of the guests, who each say less than a hundred things.
            carrier_id = str(100 * self.number + len(self.said))
            ask = partial(_update, edition, int(carrier_id), self.address, self.name, text)
        answers = at_once(ask, ask) if self.chance.random() < 0.1 else [until_answered(ask)]
        self.said.append(Said(carrier_id, text, answers))


def _text(edition: Edition, carrier_id: str, address: str, text: str) -> str:
    form = {"MessageSid": carrier_id, "From": address, "To": NUMBER, "Body": text, "NumMedia": "0"}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": SIGNING.compute_signature(f"{PARAMETERS['PUBLIC_URL']}/webhooks/sms", form),
    }
    answer = edition.request("sms_webhook", "POST", "/webhooks/sms", urlencode(form), headers)
    assert answer["statusCode"] == 200, answer
    return "".join(ElementTree.fromstring(answer["body"]).itertext())


def _update(edition: Edition, update_id: int, address: str, name: str, text: str) -> str:
    sender = {"id": int(address), "is_bot": False, "first_name": name, "language_code": "en"}
    chat = {"id": int(address), "type": "private"}
    message = {"message_id": update_id, "date": 1764000000, "chat": chat, "from": sender, "text": text}
    headers = {"X-Telegram-Bot-Api-Secret-Token": PARAMETERS["TELEGRAM_WEBHOOK_SECRET"]}
    body = json.dumps({"update_id": update_id, "message": message})
    answer = edition.request("telegram_webhook", "POST", "/webhooks/telegram", body, headers)
    assert answer["statusCode"] == 200, answer
    method: dict[str, Any] = json.loads(answer["body"] or "{}")
    return str(method.get("text", ""))
