"""The whole way in one story: an owner, her guests, their carriers and an operator, on one deployed stack."""

import os
import re
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.storage.fan_out import Nudge
from core.storage.queue_messages import written
from tests.bots.carriers import Answer
from tests.lambdas.conftest import PUBLIC_URL, Deployed, wait_until
from tests.lambdas.guests import chat, heard, phone, text, write
from tests.lambdas.surroundings import ACCEPTED, TAKEN
from tests.stack import STAGE, Front

# Most functions begin here, which takes seconds each, and a notice that fails twice waits for twenty-five.
pytestmark = pytest.mark.timeout(300, func_only=True)

BROKEN = Answer(503, {"code": 20503, "message": "Service unavailable", "status": 503})
CALL = "It's your turn at Fuchsbau (Door)"
QUEUES = [
    f"{name}{end}"
    for name in ("SmsNotices", "TelegramNotices", "CreatePreCustomer", "EmailSender")
    for end in ("Queue", "Failed")
]


class Owner:
    """Somebody with a browser and a program, who will have a line."""

    def __init__(self, browser: httpx.Client) -> None:
        self._browser = browser
        self.email = f"{secrets.token_hex(4)}@example.com"
        self.password = secrets.token_urlsafe(12)
        self.number = f"+1555020{secrets.randbelow(10**4):04}"
        self.token = ""

    def registers(self) -> None:
        registered = self._ask("POST", "/accounts", {"email": self.email, "password": self.password})
        assert registered.status_code == 202

    def follows(self, link: str) -> None:
        """Open a mailed link, and press the button on its page."""
        page = self._browser.get(link).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))
        pressed = self._browser.post("/verify", data={**hidden, "password": self.password})
        assert pressed.status_code == 303
        assert "Your address is confirmed." in self._browser.get(pressed.headers["Location"]).text

    def logs_in(self) -> None:
        self.token = self._done("POST", "/login", {"email": self.email, "password": self.password})["token"]

    def opens_a_line(self) -> str:
        """Make a venue with a queue, in which nobody is told anything but the call; its join code."""
        venue = {"name": "Fuchsbau", "time_zone": "America/New_York", "phone_number": self.number}
        venue_id = self._done("POST", "/venues", venue)["id"]
        queue = self._done("POST", f"/venues/{venue_id}/queues", {"name": "Door", "almost_there_at": 0})
        self.queue_id = queue["id"]
        return str(queue["join_code"])

    def calls_next(self, key: str, *, token: str | None = None) -> httpx.Response:
        """Press "Call next": with her own token, or another; a repeat has the same key."""
        return self._ask("POST", f"/queues/{self.queue_id}/call-next", token=token, key=key)

    def line(self) -> list[dict[str, Any]]:
        """The tickets that are called or wait."""
        tickets: list[dict[str, Any]] = self._done("GET", f"/queues/{self.queue_id}/tickets")["items"]
        return tickets

    def sees(self, number: int) -> tuple[str, str]:
        """As her program has it: the state of the ticket with this number, and what became of its call."""
        [ticket] = [each for each in self.line() if each["number"] == number]
        notice = ticket["last_notice"]
        return ticket["state"], notice["state"] if notice and notice["kind"] == "called" else ""

    def board(self) -> str:
        """What her browser shows of the line."""
        return self._browser.get(f"/queues/{self.queue_id}").text

    def _done(self, method: str, path: str, body: Any = None) -> Any:
        return self._ask(method, path, body).raise_for_status().json()

    def _ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str = ""
    ) -> httpx.Response:
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        return self._browser.request(method, f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture
def owner(deployed: Deployed) -> Iterator[Owner]:
    """Somebody without an account yet, at the address of the front."""
    front = httpx.WSGITransport(Front(deployed.stack))
    with httpx.Client(transport=front, base_url=PUBLIC_URL, timeout=30) as browser:
        yield Owner(browser)


def test_from_registration_to_the_last_guest_everybody_is_told_and_nobody_twice(
    deployed: Deployed, owner: Owner
) -> None:
    deployed.twilio.answer, deployed.telegram.answer = ACCEPTED, TAKEN
    ana, ben, cleo = phone(), chat(), phone()
    everybody = {ana, str(ben), cleo}

    owner.registers()
    owner.follows(mailed_link(deployed, owner))
    owner.logs_in()
    code = owner.opens_a_line()
    joined = text(deployed, ana, f"JOIN {code} 2", to=owner.number, sid=f"SM{code}")
    assert "Place 1" in joined
    assert text(deployed, ana, f"JOIN {code} 2", to=owner.number, sid=f"SM{code}") == joined
    assert "Place 2" in write(deployed, ben, f"/start {code}").json()["text"]

    # MiniStack does not know that our gateway says 401 here; the API itself would.
    assert owner.calls_next("forged", token=f"{owner.token}x").status_code == 403
    assert owner.calls_next("missing", token="").status_code == 403
    assert [owner.calls_next(key).json()["number"] for key in ("first", "first", "second")] == [1, 1, 2]
    wait_until(lambda: (owner.sees(1), owner.sees(2)) == (("called", "sent"), ("called", "delivered")), seconds=120)
    once = {("sms", ana, CALL): 1, ("telegram", str(ben), CALL): 1}
    assert told(deployed, everybody) == once

    deployed.twilio.answers[cleo] = [BROKEN]
    assert "Place 1" in text(deployed, cleo, f"JOIN {code} 2", to=owner.number)
    assert owner.calls_next("third").json()["number"] == 3
    wait_until(lambda: deployed.waiting_in("SmsNoticesFailed") == 1, seconds=120)
    assert told(deployed, everybody)["sms", cleo, CALL] == 3
    assert owner.sees(3) == ("called", "dead")
    assert "Not reached: shout the number" in owner.board()

    deployed.twilio.answers[cleo] = [ACCEPTED]
    assert redriven(deployed) == "1 sent again.\n"
    wait_until(lambda: owner.sees(3) == ("called", "sent"))
    assert "Not reached" not in owner.board()

    assert redriven(deployed) == "0 sent again.\n"
    deliver_again(deployed, owner.line())
    assert "FunctionError" not in deployed.invoke("Sweep", {"what": "minute"})
    wait_until(lambda: not any(deployed.waiting_in(queue) for queue in QUEUES))
    # Of the four for Cleo the carrier took the last alone.
    assert told(deployed, everybody) == {**once, ("sms", cleo, CALL): 3 + 1}
    assert [mail["To"] for mail in deployed.mailbox.messages].count(owner.email) == 1


def mailed_link(deployed: Deployed, owner: Owner) -> str:
    """What is in the mail that came over SMTP."""
    mail = deployed.mailbox.wait_for(owner.email, timeout=60)
    assert mail["From"] == "line@example.com"
    [link] = [word for word in mail.get_content().split() if word.startswith(PUBLIC_URL)]
    return str(link)


def deliver_again(deployed: Deployed, line: list[dict[str, Any]]) -> None:
    """Nudge for each ticket once more: SQS promises to deliver at least once."""
    sqs = deployed.aws.client("sqs")
    for ticket in line:
        queue = {"sms": "SmsNoticesQueue", "telegram": "TelegramNoticesQueue"}[ticket["channel"]]
        sqs.send_message(QueueUrl=deployed.stack.physical_id(queue), MessageBody=written(Nudge(ticket["id"])))


def told(deployed: Deployed, addresses: set[str]) -> Counter[tuple[str, str, str]]:
    """How often each carrier was asked to tell one of these what."""
    carriers = {"sms": deployed.twilio, "telegram": deployed.telegram}
    return Counter(
        (name, address, words.partition("!")[0])
        for name, carrier in carriers.items()
        for address in addresses
        for words in heard(carrier, address)
    )


def redriven(deployed: Deployed) -> str:
    """What the operator's command says."""
    command = [sys.executable, "-m", "infra.redrive", STAGE]
    environment = os.environ | deployed.aws.environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
