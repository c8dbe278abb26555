"""A bar with a queue, guests in it, and the browsers of staff and guests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from threading import Thread
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from core.accounts import AccountService
from core.contacts import ContactBook
from core.model import GUEST, ContactAddress, Queue, Ticket, TicketState, staff
from core.notices import NoticeService
from core.passwords import Passwords
from core.queues import QueueService
from core.storage.account_store import SqlAccountStore
from core.storage.queues import QueueAtVenue
from core.storage.records import Records, Transaction
from core.storage.view import Positions
from core.venues import VenueService
from core.walk_ins import WalkIns
from web.application import create_app
from web.services import Health, JoinLinks, Services

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
BAR_NUMBER, GUEST_NUMBER = "+15550100001", "+15550100199"
HOSTILE = '<b>Bobby</b> "O\'Neil" 🍺 {{ 7 * 7 }}'


class Bar:
    """The Blue Door with its queue DEMO, owned by the account EMAIL; `mails` are (to, subject, text)."""

    def __init__(
        self,
        records: Records,
        public_url: str = "http://localhost",
        make_app: Callable[[Services], Flask] = create_app,
    ) -> None:
        self.records = records
        self.mails: list[tuple[str, str, str]] = []
        self.services = _services(records, public_url, lambda *mail: self.mails.append(mail))
        self.app = make_app(self.services)
        self.account = self.services.accounts.add(EMAIL, PASSWORD)
        self.venue_id, self.queue_id = records.transaction(self._open)

    def _open(self, tx: Transaction) -> tuple[str, str]:
        venues, account_id = self.services.venues, self.account.id
        venue = venues.create(
            tx, account_id, name="The Blue Door", time_zone="America/New_York", phone_number=BAR_NUMBER
        )
        queue = venues.create_queue(
            tx, account_id, venue.id, name="Main bar", join_code="DEMO", called_message="Come to the red door."
        )
        return venue.id, queue.id

    @property
    def board(self) -> str:
        return f"/queues/{self.queue_id}"

    def join(
        self, name: str = "", *, channel: str | None = None, address: str = GUEST_NUMBER, party_size: int = 2
    ) -> Ticket:
        """A guest joins by a message on this channel; without one, staff write the guest down."""

        def work(tx: Transaction) -> Ticket:
            if channel is None:
                actor = staff(self.account.id)
                return self.services.queues.join(
                    tx, self.queue_id, actor, contact=None, guest_name=name, party_size=party_size
                ).ticket
            contact = self.services.contacts.lock_or_add(tx, ContactAddress(channel, address))
            sender = None if channel == "telegram" else BAR_NUMBER
            return self.services.queues.join(
                tx, self.queue_id, GUEST, contact=contact, sender=sender, guest_name=name, party_size=party_size
            ).ticket

        return self.records.transaction(work)

    def act(self, operation: Callable[..., Ticket], what: Ticket | str) -> Ticket:
        """Staff do something with a ticket or the queue, elsewhere."""
        name = what if isinstance(what, str) else what.id
        return self.records.transaction(lambda tx: operation(tx, name, staff(self.account.id)))

    def call_next(self) -> Ticket:
        return self.act(self.services.queues.call_next, self.queue_id)

    def change(self, **settings: object) -> None:
        self.records.transaction(
            lambda tx: self.services.venues.change_queue(tx, self.account.id, self.queue_id, **settings)  # type: ignore[arg-type]
        )

    def queue(self) -> Queue:
        with self.records.reading() as tx:
            queue = tx.queues.get(self.queue_id)
        assert queue is not None
        return queue

    def ticket(self, ticket: Ticket) -> Ticket:
        """The ticket as it is now."""
        with self.records.reading() as tx:
            now = tx.tickets.get(ticket.id)
        assert now is not None
        return now

    def numbers(self, state: TicketState) -> list[int]:
        """The numbers in this state, in order."""
        with self.records.reading() as tx:
            return [ticket.number for ticket in tx.tickets.in_states(self.queue_id, [state])]

    def carrier_refuses_the_call(self, *, unreachable: bool) -> None:
        """The notices so far go out, and the carrier takes none of them."""
        notices = NoticeService(self.records)
        notices.relay()
        for outbound in notices.claim(10, ("sms", "whatsapp", "telegram")):
            notices.failed(outbound.notice.id, "30003", "The phone is off.", retry=False, unreachable=unreachable)

    def carrier_delivers_the_call(self) -> None:
        notices = NoticeService(self.records)
        notices.relay()
        for outbound in notices.claim(10, ("sms", "whatsapp", "telegram")):
            notices.sent(outbound.notice.id, "SM1", delivered=True)

    def opt_out(self, channel: str = "sms", address: str = GUEST_NUMBER) -> None:
        """The guest texts STOP."""

        def work(tx: Transaction) -> None:
            contact = self.services.contacts.lock_or_add(tx, ContactAddress(channel, address))
            self.services.contacts.opt_out(tx, contact, BAR_NUMBER)

        self.records.transaction(work)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The address at which real browsers reach it."""
        server = make_server("127.0.0.1", 0, self.app, threaded=True)
        url = f"http://127.0.0.1:{server.server_port}"
        self.app.extensions["services"] = replace(self.services, public_url=url)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield url
        server.shutdown()
        thread.join()
        server.server_close()


def join_links(place: QueueAtVenue) -> JoinLinks:
    """All channels connected."""
    text = f"JOIN {place.queue.join_code}"
    return JoinLinks(
        BAR_NUMBER,
        text,
        f"sms:{BAR_NUMBER}?&body=JOIN%20DEMO",
        "https://t.me/blue_bot?start=DEMO",
        "https://wa.me/15550100001?text=JOIN%20DEMO",
    )


def _services(records: Records, public_url: str, send_mail: Callable[[str, str, str], None]) -> Services:
    queues, contacts = QueueService(), ContactBook(b"a key for the contacts of tests")
    venues = VenueService(queues)
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Services(
        records=records,
        queues=queues,
        venues=venues,
        accounts=AccountService(SqlAccountStore(records), send_mail, public_url, passwords=quick),
        walk_ins=WalkIns(queues, venues, contacts),
        positions=Positions(records, None),
        contacts=contacts,
        public_url=public_url,
        token_key="a key for the sessions of tests, long enough",
        join_links=join_links,
        health=lambda: Health(True, True, None, None),
    )


@dataclass
class Form:
    """A form on a page: where it goes, and what it would send untouched."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.found.append(Form(values.get("action") or ""))
            self._inside = True
        elif tag == "input" and self._inside and values.get("name") and values.get("type") != "radio":
            self.found[-1].values[str(values["name"])] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


class Visitor:
    """A browser without scripts: follows redirections, and sends the forms that it was shown."""

    def __init__(self, bar: Bar) -> None:
        self._client = bar.app.test_client()
        self._base = bar.services.public_url
        self.path = "/"
        self.page = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self._keep(self._client.get(path, base_url=self._base, headers=headers, follow_redirects=True))

    def look(self, path: str, **headers: str) -> TestResponse:
        """Ask for a page without leaving the one that is shown, and without following a redirection."""
        return self._client.get(path, base_url=self._base, headers=headers)

    def form(self, action: str) -> Form:
        """The form on the page that goes to a path with this end; a form without one goes to the page itself."""
        forms = _Forms()
        forms.feed(self.page)
        for found in forms.found:
            if (found.action or self.path).endswith(action):
                return Form(found.action or self.path, dict(found.values))
        raise AssertionError(f"no form for {action} among {[found.action for found in forms.found]}")

    def press(self, action: str, **values: str) -> TestResponse:
        """Fill in the form for `action`, and send it."""
        form = self.form(action)
        return self.send(form.action, form.values | values)

    def send(self, action: str, values: dict[str, str], **headers: str) -> TestResponse:
        """Send a form, whatever page is shown."""
        return self._keep(
            self._client.post(action, data=values, base_url=self._base, headers=headers, follow_redirects=True)
        )

    def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> TestResponse:
        self.get("/")
        return self.press("/log-in", email=email, password=password)

    def cookie(self) -> str:
        """The Set-Cookie header of a first visit."""
        return self._client.get("/", base_url=self._base).headers["Set-Cookie"]

    def _keep(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html":
            self.path, self.page = urlsplit(answer.request.url).path, answer.text
        return answer
