"""Once, and nothing unheard, seen from outside: webhooks in flocks, carriers that fail, processes that die."""

import os
import random
import secrets
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.bots.carriers import Answer, Carrier
from tests.journeys.line import NUMBER, Line, wait_for
from tests.local.edition import PASSWORD, Edition

AUTH_TOKEN = "f" * 32
WEBHOOK_SECRET = "s" * 32
ACCEPTED = Answer(201, {"sid": "SM" + "0" * 32, "status": "queued"})
CHAT = {"id": 1, "type": "private"}
TAKEN = Answer(200, {"ok": True, "result": {"message_id": 1, "date": 1, "chat": CHAT, "text": "…"}})
GONE = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
TOO_MANY = {
    "ok": False,
    "error_code": 429,
    "description": "Too Many Requests: retry after 1",
    "parameters": {"retry_after": 1},
}


class Outside:
    """Guests who write through the real webhooks of a running edition, and the carriers that it sends through."""

    def __init__(self, edition: Edition, carrier: Carrier) -> None:
        self.edition = edition
        self.carrier = carrier
        self.line = Line(edition.url, PASSWORD)

    def texts(self, number: str, text: str, message_id: str | None = None) -> httpx.Response:
        """A signed form of Twilio's."""
        form = {"MessageSid": message_id or f"SM{secrets.token_hex(16)}", "From": number, "To": NUMBER, "Body": text}
        path = "/webhooks/sms"
        signature = RequestValidator(AUTH_TOKEN).compute_signature(f"http://localhost:{self.edition.port}{path}", form)
        return self._post(path, {"X-Twilio-Signature": signature}, data=form)

    def writes(self, chat: int, text: str, update_id: int | None = None) -> httpx.Response:
        """An update of the Bot API's."""
        who = {"id": chat, "is_bot": False, "first_name": "Tess", "language_code": "en"}
        message = {
            "message_id": 1,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "from": who,
            "text": text,
        }
        update = {"update_id": update_id or random.randrange(2**31), "message": message}
        return self._post("/webhooks/telegram", {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET}, json=update)

    def calls_for(self, address: str) -> int:
        """How often a carrier was asked to send this guest something."""
        return len([asked for asked in list(self.carrier.asked) if asked.to == address])

    def kill_worker(self) -> None:
        """As a power cut would; the server starts another."""
        [worker] = [child for child in self.edition.children() if b"worker" in _command_line(child)]
        os.kill(worker, signal.SIGKILL)

    def end_leases(self) -> None:
        """Make it later than what a process claimed, and died with, is its own."""
        with closing(sqlite3.connect(self.edition.data_dir / "queue.db", timeout=10)) as database:
            database.execute("UPDATE notices SET lease_until = created_at WHERE state = 'pending'")
            database.commit()

    def _post(self, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        answer = self.line.http.post(path, headers=headers, **body)
        assert answer.status_code == 200, answer.text
        return answer


def _command_line(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """An edition with both carriers' credentials, which are here."""
    with Carrier().serving() as carrier:
        settings = {
            "TWILIO_API_URL": carrier.url,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TELEGRAM_API_URL": carrier.url,
            "TELEGRAM_BOT_TOKEN": "123456:" + "a" * 35,
            "TELEGRAM_BOT_NAME": "line_bot",
            "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        with Edition(tmp_path_factory.mktemp("outside"), **settings) as edition:
            yield Outside(edition, carrier)


@pytest.fixture
def outside(house: Outside) -> Outside:
    """Nobody in line, and carriers that take everything."""
    house.carrier.answer = TAKEN
    house.carrier.answers.clear()
    house.line.empty()
    # Only calls are told.
    house.line.patch(f"/queues/{house.line.queue_id}", {"almost_there_at": 0})
    return house


def at_once(times: int, act: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Have as many do it in the same moment."""
    ready = Barrier(times)

    def one(_: int) -> httpx.Response:
        ready.wait()
        return act()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


@pytest.mark.parametrize("times", [8, 32])
@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_a_webhook_that_comes_many_times_changes_one_thing_and_gets_one_answer(
    outside: Outside, channel: str, times: int
) -> None:
    number, chat, update_id = f"+15550110{times:03}", 7_000_000 + times, random.randrange(2**31)

    def deliver() -> httpx.Response:
        if channel == "sms":
            return outside.texts(number, "JOIN DEMO 2 Ana", f"SM{update_id}")
        return outside.writes(chat, "JOIN DEMO 2 Ana", update_id)

    answers = at_once(times, deliver)

    [answer] = {answer.text for answer in answers}
    assert "You're in!" in answer
    [ticket] = outside.line.tickets()
    [joined] = outside.line.get(f"/tickets/{ticket['id']}/history")["items"]
    assert joined["kind"] == "joined"

    outside.line.call_next()
    assert deliver().text == answer
    assert [ticket["state"] for ticket in outside.line.tickets()] == ["called"]


ENDS = {
    # What the carrier says, one after the other; how often it is asked; what staff see then.
    "it takes it": ([], 1, "sent", True),
    "throttled": ([Answer(429, {"code": 20429, "message": "Too many requests"})], 2, "sent", True),
    "broken": ([Answer(500)], 2, "sent", True),
    "hangs up": ([Answer(0)], 2, "sent", True),
    "opted out": ([Answer(400, {"code": 21610, "message": "unsubscribed"})], 1, "failed", False),
    "wrong credentials": ([Answer(403, {"code": 20003, "message": "Authenticate"})], 2, "sent", True),
    "telegram takes it": ([], 1, "delivered", True),
    "telegram throttles": ([Answer(429, TOO_MANY)] * 2, 3, "delivered", True),
    "telegram is broken": ([Answer(500, {"ok": False, "error_code": 500, "description": "?"})], 2, "delivered", True),
    "telegram: blocked": ([Answer(403, GONE)], 1, "failed", False),
    "does not answer": ([Answer(201, ACCEPTED.body, after=13)], 2, "sent", True),
}


def test_whatever_the_carrier_says_the_call_ends_as_it_should_and_staff_see_it(outside: Outside) -> None:
    addresses, tickets = {}, {}
    for index, (case, (answers, *_)) in enumerate(ENDS.items()):
        on_telegram = case.startswith("telegram")
        addresses[case] = str(7_100_000 + index) if on_telegram else f"+15550120{index:03}"
        if on_telegram:
            outside.writes(int(addresses[case]), "JOIN DEMO 2 Ana")
        else:
            outside.texts(addresses[case], "JOIN DEMO 2 Ana")
        outside.carrier.answers[addresses[case]] = [*answers, TAKEN if on_telegram else ACCEPTED]
    for case in ENDS:
        tickets[case] = outside.line.call_next()["id"]

    for case, (_, _, state, reachable) in ENDS.items():
        outside.line.sees(tickets[case], ("called", state), reachable=reachable)
    assert {case: outside.calls_for(address) for case, address in addresses.items()} == {
        case: asked for case, (_, asked, _, _) in ENDS.items()
    }


def test_a_worker_that_dies_between_sending_and_noting_repeats_that_one_notice_only(outside: Outside) -> None:
    noted, in_flight = "+15550130001", "+15550130002"
    for number in (noted, in_flight):
        outside.texts(number, "JOIN DEMO 2 Ana")
        outside.carrier.answers[number] = [ACCEPTED]
    first = outside.line.call_next()["id"]
    outside.line.sees(first, ("called", "sent"))
    # It is taken, and the yes is on its way.
    outside.carrier.answers[in_flight] = [Answer(201, ACCEPTED.body, after=5), ACCEPTED]
    second = outside.line.call_next()["id"]
    wait_for(lambda: outside.calls_for(in_flight) or None, lambda: "the call")

    outside.kill_worker()
    outside.end_leases()

    outside.line.sees(second, ("called", "sent"))
    assert (outside.calls_for(noted), outside.calls_for(in_flight)) == (1, 2)


def test_a_stop_in_the_middle_of_sending_waits_for_the_yes_and_repeats_nothing(outside: Outside) -> None:
    number = "+15550140001"
    outside.texts(number, "JOIN DEMO 2 Ana")
    outside.carrier.answers[number] = [Answer(201, ACCEPTED.body, after=2)]
    ticket = outside.line.call_next()["id"]
    wait_for(lambda: outside.calls_for(number) or None, lambda: "the call")

    assert outside.edition.end(signal.SIGINT) == 0
    outside.edition.start()

    outside.end_leases()
    outside.line.sees(ticket, ("called", "sent"))
    assert outside.calls_for(number) == 1


def test_a_server_that_is_killed_has_kept_the_call_that_it_acknowledged(outside: Outside) -> None:
    number = "+15550150001"
    outside.texts(number, "JOIN DEMO 2 Ana")
    outside.carrier.answers[number] = [ACCEPTED]
    ticket = outside.line.call_next()["id"]

    outside.edition.kill()
    outside.edition.start()

    outside.end_leases()
    outside.line.sees(ticket, ("called", "sent"))
    assert outside.calls_for(number) in (1, 2)
