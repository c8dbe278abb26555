"""From an event to a text at the carrier, over HTTP, and the outcome in the record."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from threading import Event, Thread, Timer
from typing import Any

import pytest
from sqlalchemy import Engine

from bots.channels import Outgoing, Sender
from bots.delivery import Delivery
from bots.notifier import Notifier
from bots.sms.sender import TwilioSender
from bots.telegram.sender import TelegramSender
from core.model import ContactAddress, NoticeKind, NoticeState, Ticket
from core.notices import NoticeService
from core.storage.engine import open_engine
from core.storage.notices import Notice
from core.storage.records import Records
from tests.bots.bars import NUMBER, PUBLIC_URL, Bars, Guest, telegram
from tests.bots.carriers import Answer, Carrier
from tests.clocks import StillClock
from tests.core.counting import counted
from tests.core.lines import OWNER
from tests.databases import Databases
from tests.servers import MariaDB

TOKEN = "123456:token-for-tests"


@dataclass
class Post:
    """The worker's part: events become notices, and notices go out to the carrier."""

    bars: Bars
    notices: NoticeService
    notifier: Notifier
    carrier: Carrier

    def deliver(self) -> int:
        self.notices.relay()
        return self.notifier.run_once()

    @property
    def texts(self) -> list[str]:
        """What the carrier was asked to send."""
        return [asked.form.get("Body") or asked.form["text"] for asked in self.carrier.asked]

    def of(self, ticket: Ticket) -> Notice:
        """The ticket's only notice."""
        with self.bars.records.reading() as tx:
            [notice] = tx.notices.of_tickets([ticket.id])
        return notice


@pytest.fixture
def post(bars: Bars, carrier: Carrier) -> Iterator[Post]:
    carrier.answer = Answer(201, {"sid": "SM1", "status": "queued"})
    service = NoticeService(bars.records)
    texts = TwilioSender("AC" + "0" * 32, "auth token", PUBLIC_URL, api_url=carrier.url, timeout=60)
    chats = TelegramSender(TOKEN, api_url=carrier.url)
    notifier = Notifier(service, Delivery(service, {"sms": texts, "telegram": chats}, PUBLIC_URL, bars.clock))
    yield Post(bars, service, notifier, carrier)
    notifier.close()
    chats.close()


def add(bars: Bars, address: str, queue_id: str = "demo", **details: Any) -> Ticket:
    """Staff add a guest with a phone."""

    def work(tx: Any) -> Ticket:
        contact = bars.contacts.lock_or_add(tx, ContactAddress("sms", address))
        values = {"contact": contact, "sender": NUMBER, "announce": True, **details}
        return bars.queues.join(tx, queue_id, OWNER, **values).ticket

    return bars.do(work)


def called(bars: Bars, said: str = "JOIN DEMO 2", **settings: Any) -> tuple[Guest, Ticket]:
    """A guest who joined by text and has been called."""
    bars.queue(almost_there_at=0, **settings)
    guest = bars.guest()
    guest.say(said)
    return guest, bars.call_next()


def test_a_walk_in_is_told_the_place_the_page_and_how_to_end_it(bars: Bars, post: Post) -> None:
    bars.queue(text="Happy hour until 9.")
    ticket = add(bars, "+5511987654321", party_size=2)
    assert post.deliver() == 1
    [asked] = post.carrier.asked
    assert (asked.form["To"], asked.form["From"]) == ("+5511987654321", NUMBER)
    assert asked.form["Body"] == (
        "The staff put you in line at The Blue Door: place 1, number 1. "
        f"https://queue.example.com/t/{ticket.token} Send LEAVE to leave, STOP for no texts. Happy hour until 9."
    )
    notice = post.of(ticket)
    assert (notice.state, notice.carrier_id, notice.kind) == (NoticeState.SENT, "SM1", NoticeKind.JOINED)
    assert post.deliver() == 0


def test_a_guest_who_joined_by_text_is_told_nothing_twice(bars: Bars, post: Post) -> None:
    bars.queue()
    bars.guest().say("JOIN DEMO 2")
    assert post.deliver() == 0


def test_the_call_comes_in_the_guests_language_and_expires(bars: Bars, post: Post) -> None:
    called(bars, "entrar demo 2", venue=bars.venue(language="pt-BR"))
    bars.wait(minutes=4)
    post.deliver()
    [asked] = post.carrier.asked
    assert asked.form["Body"] == "É a sua vez em The Blue Door! Senha 1. Venha agora, por favor."
    assert asked.form["ValidityPeriod"] == str(6 * 60)


def test_the_call_is_in_the_queues_own_words(bars: Bars, post: Post) -> None:
    called(bars, called_message="Ask for Zé at the door.")
    post.deliver()
    assert post.texts == ["It's your turn at The Blue Door! Number 1. Ask for Zé at the door."]


def test_what_happens_to_a_place_is_told(bars: Bars, post: Post) -> None:
    bars.queue(almost_there_at=1, grace_minutes=15)
    bars.fill(1)
    guest = bars.guest()
    guest.say("JOIN DEMO 2")

    def after(act: Callable[..., object], *more: object) -> str:
        bars.do(lambda tx: act(tx, *more, OWNER))
        post.deliver()
        return post.texts[-1]

    ticket_id = guest.ticket.id
    assert after(bars.queues.call_next, "demo") == (
        "Almost your turn at The Blue Door: place 1, number 2. Please come near."
    )
    assert after(bars.queues.call_next, "demo") == "It's your turn at The Blue Door! Number 2. Please come now."
    assert after(bars.queues.recall, ticket_id) == (
        "We're waiting for you! It's your turn at The Blue Door! Number 2. Please come now."
    )
    assert after(bars.queues.put_back, ticket_id) == (
        "Sorry, not yet: we called you too early. Place 1 in line at The Blue Door. Your number is 2. "
        "We'll tell you when it's time."
    )
    after(bars.queues.call, ticket_id)
    assert after(bars.queues.no_show, ticket_id) == (
        "You missed your call at The Blue Door, number 2. Send JOIN DEMO within 15 minutes to come back to the front."
    )
    assert after(bars.queues.come_back, ticket_id).startswith("Place 1 in line at The Blue Door. Your number is 2.")
    assert after(bars.queues.remove, ticket_id) == (
        "You're no longer in line at The Blue Door: the staff removed number 2."
    )


def test_a_closed_queue_tells_those_who_waited(bars: Bars, post: Post) -> None:
    bars.queue()
    guests = [bars.guest() for _ in range(20)]
    for guest in guests:
        guest.say("JOIN DEMO 2")
    bars.do(lambda tx: bars.queues.close(tx, "demo", OWNER, remove_waiting=True))
    post.notices.relay()
    while post.notifier.run_once():
        pass
    assert len(post.texts) == 20
    assert post.texts[0].startswith("Sorry, The Blue Door has closed the line: number ")
    assert {asked.form["To"] for asked in post.carrier.asked} == {guest.address for guest in guests}


def test_a_chat_gets_the_buttons_and_its_yes_counts_as_delivered(bars: Bars, post: Post) -> None:
    post.carrier.answer = Answer(
        200, {"ok": True, "result": {"message_id": 77, "date": 1, "chat": {"id": 123456, "type": "private"}}}
    )
    bars.queue(almost_there_at=0)
    guest = telegram(bars)
    guest.ask("/start DEMO")
    guest.ask("2")
    bars.call_next()
    post.deliver()
    [asked] = post.carrier.asked
    assert asked.path == f"/bot{TOKEN}/sendMessage"
    assert asked.form["chat_id"] == "123456"
    assert '"callback_data": "leave:' in asked.form["reply_markup"]
    notice = post.of(guest.ticket)
    assert (notice.state, notice.carrier_id) == (NoticeState.DELIVERED, "77")


def test_who_joined_by_a_button_is_asked_for_the_party_in_the_notice(bars: Bars, post: Post) -> None:
    post.carrier.answer = Answer(
        200, {"ok": True, "result": {"message_id": 77, "date": 1, "chat": {"id": 123456, "type": "private"}}}
    )
    bars.queue()
    guest = telegram(bars)
    guest.press(guest.ask("/start DEMX"), "DEMO")
    post.deliver()
    [asked] = post.carrier.asked
    assert "How many are you? Reply with a number." in asked.form["text"]
    assert f'"callback_data": "size:{guest.ticket.id}:4"' in asked.form["reply_markup"]


@pytest.mark.parametrize(
    ("answer", "state", "code", "unreachable"),
    [
        (Answer(400, {"code": 21610, "message": "blocked", "status": 400}), NoticeState.FAILED, "opted-out", False),
        (Answer(400, {"code": 21211, "message": "no number", "status": 400}), NoticeState.FAILED, "21211", True),
        (Answer(400, {"code": 30007, "message": "filtered", "status": 400}), NoticeState.FAILED, "30007", False),
        (Answer(401, {"code": 20003, "message": "who?", "status": 401}), NoticeState.PENDING, "20003", False),
        (Answer(503, {}), NoticeState.PENDING, None, False),
        (Answer(0), NoticeState.PENDING, "no-connection", False),
    ],
)
def test_a_no_of_the_carrier_ends_as_it_should(
    bars: Bars, post: Post, answer: Answer, state: NoticeState, code: str | None, unreachable: bool
) -> None:
    guest, ticket = called(bars)
    post.carrier.answer = answer
    post.deliver()
    notice = post.of(ticket)
    assert notice.state is state
    if code is not None:
        assert notice.error_code == code
    assert bool(guest.contact.unreachable) is unreachable
    assert guest.contact.opted_out == ([NUMBER] if code == "opted-out" else [])
    assert guest.ticket.id == ticket.id


def test_a_throttled_notice_waits_as_long_as_it_was_told_and_lost_no_try(bars: Bars, post: Post) -> None:
    _, ticket = called(bars)
    post.carrier.answer = Answer(429, {"code": 20429, "message": "busy", "status": 429}, {"Retry-After": "7"})
    post.deliver()
    notice = post.of(ticket)
    assert (notice.state, notice.tries) == (NoticeState.PENDING, 0)
    post.carrier.answer = Answer(201, {"sid": "SM2", "status": "queued"})
    bars.wait(seconds=6)
    assert post.deliver() == 0
    bars.wait(seconds=1)
    assert post.deliver() == 1
    assert post.of(ticket).carrier_id == "SM2"


def test_after_the_last_try_a_notice_is_a_dead_letter(bars: Bars, post: Post) -> None:
    _, ticket = called(bars)
    post.carrier.answer = Answer(503, {})
    for pause in (5, 20, 60, 180):
        assert post.deliver() == 1
        bars.wait(seconds=pause - 1)
        assert post.deliver() == 0
        bars.wait(seconds=1)
    assert post.deliver() == 1
    assert post.of(ticket).state is NoticeState.DEAD
    post.carrier.answer = Answer(201, {"sid": "SM2", "status": "queued"})
    post.notices.resend(post.of(ticket).id)
    assert post.deliver() == 1
    assert post.of(ticket).state is NoticeState.SENT


def test_what_goes_wrong_with_one_notice_keeps_no_other_from_its_guest(bars: Bars, carrier: Carrier) -> None:
    class Fragile:
        """A sender with a fault of its own, for one address."""

        def __init__(self, inner: Sender) -> None:
            self._inner = inner

        def send(self, outgoing: Outgoing) -> str:
            if outgoing.address == "+15550400003":
                raise ZeroDivisionError("a fault")
            return self._inner.send(outgoing)

    carrier.answer = Answer(201, {"sid": "SM1", "status": "queued"})
    bars.queue()
    tickets = [add(bars, f"+1555040000{number}") for number in range(6)]
    service = NoticeService(bars.records)
    inner = TwilioSender("AC" + "0" * 32, "auth token", PUBLIC_URL, api_url=carrier.url)
    notifier = Notifier(service, Delivery(service, {"sms": Fragile(inner)}, PUBLIC_URL, bars.clock))
    post = Post(bars, service, notifier, carrier)
    assert post.deliver() == 6
    notifier.close()
    states = [post.of(ticket).state for ticket in tickets]
    assert states == [NoticeState.PENDING if number == 3 else NoticeState.SENT for number in range(6)]
    assert post.of(tickets[3]).error_code == "ZeroDivisionError"
    assert all("+15550400003" not in (asked.form["To"]) for asked in carrier.asked)


def test_no_transaction_is_open_while_the_carrier_is_called(bars: Bars, post: Post, records: Records) -> None:
    called(bars)
    post.carrier.answer = Answer(201, {"sid": "SM1", "status": "queued"}, after=0.5)
    post.notices.relay()
    sending = Thread(target=post.notifier.run_once)
    sending.start()
    while not post.carrier.asked and sending.is_alive():
        time.sleep(0.01)
    # SQLite lets one writer in at a time, MariaDB one per queue: both would wait here.
    bars.guest().say("JOIN DEMO 2")
    assert sending.is_alive()
    sending.join()


@pytest.fixture
def hanging(post: Post) -> Iterator[Event]:
    """A carrier that says nothing to what is for +15550400000, until the event is set."""
    hanging = Event()
    post.carrier.answers["+15550400000"] = [Answer(201, {"sid": "SM0", "status": "queued"}, hangs=hanging)]
    yield hanging
    hanging.set()


def send_until_taken(post: Post, tickets: list[Ticket]) -> None:
    """Send as the worker does, until the carrier has taken the notices of these."""
    free = Event()
    post.notices.relay()
    while not all(post.of(ticket).state is NoticeState.SENT for ticket in tickets):
        free.clear()
        if not post.notifier.begin(free.set):
            free.wait(0.05)


def test_a_carrier_that_hangs_for_one_guest_delays_no_other(bars: Bars, post: Post, hanging: Event) -> None:
    bars.queue()
    first, *others = [add(bars, f"+155504000{number:02}") for number in range(20)]

    send_until_taken(post, others)
    assert post.of(first).state is NoticeState.PENDING

    hanging.set()
    post.notifier.close()
    assert post.of(first).state is NoticeState.SENT, "what is being sent is noted first"


def test_what_comes_after_a_text_that_hangs_waits_and_tells_only_what_is_true_by_then(
    bars: Bars, post: Post, hanging: Event
) -> None:
    bars.queue(almost_there_at=0)
    mine = add(bars, "+15550400000")
    bars.do(lambda tx: bars.queues.call(tx, mine.id, OWNER))
    send_until_taken(post, [add(bars, "+15550400001")])
    for action in (bars.queues.put_back, bars.queues.call, bars.queues.no_show):
        bars.do(partial(action, ticket_id=mine.id, actor=OWNER))
    send_until_taken(post, [add(bars, "+15550400002")])

    def heard() -> list[str]:
        return [asked.form["Body"].partition(".")[0] for asked in post.carrier.asked if asked.to == "+15550400000"]

    assert heard() == ["It's your turn at The Blue Door! Number 1"]
    hanging.set()
    while not any(text.startswith("You missed your call") for text in heard()):
        post.notifier.run_once()
    assert len(heard()) == 2


def test_no_more_is_claimed_than_can_be_sent_at_once(bars: Bars, post: Post, hanging: Event) -> None:
    bars.queue()
    tickets = [add(bars, f"+155504001{number:02}") for number in range(20)]
    post.carrier.answer = replace(post.carrier.answer, hangs=hanging)
    post.notices.relay()

    assert [post.notifier.begin(lambda: None) for _ in range(3)] == [8, 0, 0]
    assert sum(post.of(ticket).lease_until is not None for ticket in tickets) == 8


def test_a_guest_who_said_stop_is_told_nothing(bars: Bars, post: Post) -> None:
    guest, ticket = called(bars)
    guest.ask("STOP", carrier_word="stop", carrier_answers=True)
    post.deliver()
    assert post.texts == []
    assert post.of(ticket).error_code == "opted-out"


def test_a_call_that_is_over_is_not_told_any_more(bars: Bars, post: Post) -> None:
    _, ticket = called(bars)
    post.notices.relay()
    bars.do(lambda tx: bars.queues.no_show(tx, ticket.id, OWNER))
    post.deliver()
    assert [text.split(",")[0] for text in post.texts] == ["You missed your call at The Blue Door"]


def test_sending_costs_the_same_in_a_long_line(bars: Bars, post: Post, engine: Engine) -> None:
    bars.queue(almost_there_at=0)
    costs: list[int] = []
    for _ in range(2):
        add(bars, f"+1555050{len(costs):04}")
        post.notices.relay()
        with counted(engine) as sql:
            assert post.notifier.run_once() == 1
        costs.append(len(sql.statements))
        bars.fill(50)
        bars.wait(seconds=1)
    assert costs[0] == costs[1]


def test_a_call_that_nobody_could_send_in_time_is_not_sent(bars: Bars, post: Post) -> None:
    _, ticket = called(bars)
    bars.wait(minutes=11)
    assert post.deliver() == 0
    assert post.texts == []
    assert post.of(ticket).state is NoticeState.STALE


def test_what_is_not_noted_when_its_lease_runs_out_is_not_sent_again_beside_itself(bars: Bars) -> None:
    class Slow:
        """A carrier whose yes takes longer than the lease; meanwhile the worker looks for more to send."""

        begun = 0
        begun_beside = 0

        def send(self, outgoing: Outgoing) -> str:
            self.begun += 1
            bars.wait(seconds=61)
            self.begun_beside += notifier.begin(lambda: None)
            return f"SM{self.begun}"

    bars.queue(almost_there_at=0)
    add(bars, "+15550400001")
    service, slow = NoticeService(bars.records), Slow()
    notifier = Notifier(service, Delivery(service, {"sms": slow}, PUBLIC_URL, bars.clock))
    service.relay()

    assert notifier.run_once() == 1
    bars.wait(seconds=61)
    assert notifier.run_once() == 0
    assert (slow.begun, slow.begun_beside) == (1, 0)
    notifier.close()


def test_what_was_sent_while_the_database_went_away_is_noted_when_it_is_back(
    mariadb: MariaDB, mariadb_databases: Databases, clock: StillClock
) -> None:
    class Unlucky:
        """Says yes while the database stops, which is back two seconds later."""

        sent = 0

        def send(self, outgoing: Outgoing) -> str:
            self.sent += 1
            mariadb.stop()
            restart.start()
            return "SM1"

    restart = Timer(2.0, mariadb.start)
    engine = open_engine(mariadb_databases.migrated())
    bars = Bars(Records(engine, clock))
    _, ticket = called(bars)
    service, unlucky = NoticeService(bars.records), Unlucky()
    notifier = Notifier(service, Delivery(service, {"sms": unlucky}, PUBLIC_URL, clock))
    post = Post(bars, service, notifier, Carrier())

    assert post.deliver() == 1
    assert (post.of(ticket).state, post.of(ticket).carrier_id) == (NoticeState.SENT, "SM1")
    bars.wait(minutes=2)
    assert post.deliver() == 0
    assert unlucky.sent == 1
    restart.join()
    notifier.close()
    engine.dispose()
