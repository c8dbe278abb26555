"""A line as its people use it, over HTTP only: staff by the API, guests on the simulator's phones and chats."""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

EMAIL = "demo@example.com"
NUMBER = "+15550100001"
PATIENCE_SECONDS = 20.0

T = TypeVar("T")


class Guest:
    """Somebody with a phone, or with a chat with the bot, in the simulator."""

    def __init__(self, http: httpx.Client, conversation_id: str) -> None:
        self._http = http
        self.id = conversation_id
        # Another test may have had this phone before.
        self._seen = max((entry["id"] for entry in self._shown()["entries"]), default=0)

    def says(self, text: str) -> None:
        """Type a message."""
        sms = not self.id.startswith("telegram:")
        self._post("messages", {"text": text, "to": NUMBER} if sms else {"text": text})

    def presses(self, label: str) -> None:
        """Press the newest button with this label."""
        for entry in reversed(self._shown()["entries"]):
            for button in (button for row in entry["buttons"] for button in row):
                if button["label"] == label:
                    self._post("presses", {"message_id": entry["id"], "data": button["data"]})
                    return
        raise AssertionError(f"no button {label!r} in {self._shown()['entries']}")

    def turns(self, switch: str, *, on: bool) -> None:
        """Turn one of the phone's switches."""
        self._post("switches", {"name": switch, "on": on})

    def reads(self, words: str) -> str:
        """Wait for a message with these words that was not read before, and answer its text."""

        def look() -> str | None:
            for entry in self._shown()["entries"]:
                if entry["id"] > self._seen and entry["side"] in ("line", "carrier") and words in entry["text"]:
                    self._seen = entry["id"]
                    return str(entry["text"])
            return None

        return wait_for(look, lambda: f"{words!r} in {[entry['text'] for entry in self._shown()['entries']]}")

    def sees_popup(self, words: str) -> str:
        """Wait for a pop-up over the chat with these words."""

        def look() -> str | None:
            popup = self._shown()["popup"]
            return str(popup["text"]) if popup and words in popup["text"] else None

        return wait_for(look, lambda: f"{words!r} in {self._shown()['popup']}")

    def read_so_far(self) -> list[str]:
        """Every text from the line."""
        return [entry["text"] for entry in self._shown()["entries"] if entry["side"] == "line"]

    def _shown(self) -> Any:
        conversations = self._http.get("/simulator/state").raise_for_status().json()["changed"]
        return next(one for one in conversations if one["id"] == self.id)

    def _post(self, what: str, body: dict[str, Any]) -> None:
        self._http.post(f"/simulator/conversations/{self.id}/{what}", json=body).raise_for_status()


class Line:
    """A venue's line on a running server."""

    def __init__(self, url: str, password: str) -> None:
        # No connection is kept: a line is thrown away together with the server it was on.
        once = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False, limits=once)
        self._password = password
        self.log_in()

    def log_in(self) -> None:
        """Staff log in, by the API."""
        login = self.http.post("/api/v1/login", json={"email": EMAIL, "password": self._password})
        answer = login.raise_for_status().json()
        assert answer["type"] == "Bearer"
        self.staff = {"Authorization": f"Bearer {answer['token']}"}
        [venue] = self.get("/venues")["items"]
        [queue] = self.get(f"/venues/{venue['id']}/queues")["items"]
        self.queue_id = queue["id"]

    def phone(self, name: str) -> Guest:
        """A new phone; its number follows from the name."""
        number = f"+155501{sum(map(ord, name)) * 7919 % 100_000:05}"
        return self._guest({"channel": "sms", "name": name, "address": number})

    def chat(self, name: str, language: str = "en") -> Guest:
        """A new chat with the bot."""
        return self._guest({"channel": "telegram", "name": name, "language": language})

    def get(self, path: str) -> Any:
        """What the API answers staff."""
        return self.http.get(f"/api/v1{path}", headers=self.staff).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Have the API do something for staff."""
        return self.http.post(f"/api/v1{path}", json=body or {}, headers=self.staff).raise_for_status().json()

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Have the API change something for staff."""
        return self.http.patch(f"/api/v1{path}", json=body, headers=self.staff).raise_for_status().json()

    def tickets(self, state: str | None = None) -> list[dict[str, Any]]:
        """The line as staff see it."""
        query = f"?state={state}" if state else ""
        items: list[dict[str, Any]] = self.get(f"/queues/{self.queue_id}/tickets{query}")["items"]
        return items

    def empty(self) -> None:
        """Remove everybody, and open the queue again."""
        self.post(f"/queues/{self.queue_id}/close", {"waiting": "remove"})
        self.patch(f"/queues/{self.queue_id}", {"state": "open"})

    def call_next(self) -> dict[str, Any]:
        """Press "Call next"."""
        ticket: dict[str, Any] = self.post(f"/queues/{self.queue_id}/call-next")
        return ticket

    def sees(self, ticket_id: str, notice: tuple[str, str] | None = None, **wanted: Any) -> None:
        """Wait until staff see the ticket so; `notice` is the kind and state of the last one."""

        def look() -> bool | None:
            ticket = self.get(f"/tickets/{ticket_id}")
            last = ticket["last_notice"] or {"kind": None, "state": None}
            right = all(ticket[name] == value for name, value in wanted.items())
            return (right and notice in (None, (last["kind"], last["state"]))) or None

        wait_for(look, lambda: f"{notice} {wanted} in {self.get(f'/tickets/{ticket_id}')}")

    def guests_page(self, text: str) -> Any:
        """The guest's own view through the link in a text, as its page asks for it."""
        [link] = [word for word in text.split() if "/t/" in word]
        token = urlsplit(link).path.removeprefix("/t/")
        return self.http.get(f"/api/v1/guest/tickets/{token}").raise_for_status().json()

    def _guest(self, conversation: dict[str, Any]) -> Guest:
        answer = self.http.post("/simulator/conversations", json=conversation).raise_for_status().json()
        return Guest(self.http, answer["id"])


def wait_for(look: Callable[[], T | None], what: Callable[[], str]) -> T:
    """What `look` answers, as soon as it is not None; AssertionError if that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what()}")
