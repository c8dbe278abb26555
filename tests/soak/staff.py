"""The staff of the evening: what they press on several devices, and what was answered."""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import Any

from core.clock import system_clock
from tests.parameters import PARAMETERS
from tests.soak.edition import Edition
from tests.soak.guests import NUMBER
from tests.soak.repeats import at_once, until_answered

EMAIL, PASSWORD = "owner@example.com", "correct horse"
WEIGHTS = {
    "call-next": 50,
    "serve": 24,
    "no-show": 8,
    "undo": 6,
    "put-back": 5,
    "recall": 4,
    "come-back": 3,
}
TAKEN_FROM = {"serve": "called", "no-show": "called", "put-back": "called", "recall": "called", "come-back": "missed"}


@dataclass(frozen=True)
class Pressed:
    """One press of a button, under a key of its own, and the tickets that were answered each time it was sent.

    None stands for a refusal: the step was not allowed, or nobody waited.
    """

    action: str
    queue_id: str
    tickets: Sequence[str | None]

    @property
    def ticket(self) -> str | None:
        return next((ticket for ticket in self.tickets if ticket is not None), None)


@dataclass
class House:
    """One venue with its queues, and what staff believe about them; each of their devices has a token of its own."""

    edition: Edition
    queues: dict[str, str] = field(default_factory=dict)
    """The queues' ids, each with its join code."""
    called: "defaultdict[str, list[str]]" = field(default_factory=lambda: defaultdict(list))
    missed: "defaultdict[str, list[str]]" = field(default_factory=lambda: defaultdict(list))

    def open(self, queues: int) -> None:
        """Make the venue, whose business day does not end tonight, and its queues."""
        self.edition.accounts.add(EMAIL, PASSWORD)
        token = self.log_in()
        dawn = f"{(system_clock() + timedelta(hours=12)):%H}:00"
        settings = {"name": "Fuchsbau", "time_zone": "UTC", "phone_number": NUMBER, "day_starts_at": dawn}
        venue = self.ask(token, "POST", "/venues", settings)[1]
        for number in range(queues):
            queue = {"name": f"Door {number}", "join_code": f"DOOR{number:03}", "called_message": "The door is open."}
            made = self.ask(token, "POST", f"/venues/{venue['id']}/queues", queue)[1]
            self.queues[made["id"]] = made["join_code"]

    def log_in(self) -> str:
        """A token."""
        status, answer = self.ask(None, "POST", "/login", {"email": EMAIL, "password": PASSWORD})
        assert status == 200, answer
        return str(answer["token"])

    def ask(
        self, token: str | None, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """A request to the API; its status and the JSON of its answer. Raises Killed."""
        headers = {"Content-Type": "application/json", "X-Origin-Key": PARAMETERS["ORIGIN_KEY"]}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        content = "" if body is None else json.dumps(body)
        answer = self.edition.request("api", method, f"/api/v1{path}", content, headers)
        assert answer["statusCode"] in (200, 201, 409), answer
        return answer["statusCode"], json.loads(answer["body"])


class Device:
    """One of the staff's. `chance` decides what is pressed."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.pressed: list[Pressed] = []
        self._house = house
        self._chance = chance
        self._token = house.log_in()
        self._hand = Lock()

    def press(self) -> None:
        """Press something in one of the queues."""
        with self._hand:
            queue_id = self._chance.choice(list(self._house.queues))
            [action] = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if action in TAKEN_FROM:
                self._step(queue_id, action)
            elif action == "call-next" and self._chance.random() < 0.2:
                self._two_at_once(queue_id)
            else:
                self._press(queue_id, action, f"/queues/{queue_id}/{action}")

    def _step(self, queue_id: str, action: str) -> None:
        """Something with a ticket that should be in the state for it, if there is one."""
        tickets = getattr(self._house, TAKEN_FROM[action])[queue_id]
        if tickets:
            ticket = self._chance.choice(tickets[-5:])
            self._press(queue_id, action, f"/tickets/{ticket}/{action}")

    def _two_at_once(self, queue_id: str) -> None:
        """Two people call the next guest in the same instant."""
        asks = [self._asking(f"/queues/{queue_id}/call-next") for _ in range(2)]
        for ticket in at_once(*asks):
            self._note(queue_id, "call-next", [ticket])

    def _press(self, queue_id: str, action: str, path: str) -> None:
        """Press a button, one time in ten twice by accident."""
        ask = self._asking(path)
        self._note(queue_id, action, at_once(ask, ask) if self._chance.random() < 0.1 else [until_answered(ask)])

    def _asking(self, path: str) -> "partial[str | None]":
        return partial(self._ticket, path, f"{self._chance.getrandbits(64):016x}")

    def _ticket(self, path: str, key: str) -> str | None:
        status, answer = self._house.ask(self._token, "POST", path, key=key)
        return str(answer["id"]) if status == 200 else None

    def _note(self, queue_id: str, action: str, tickets: list[str | None]) -> None:
        pressed = Pressed(action, queue_id, tickets)
        self.pressed.append(pressed)
        if pressed.ticket is not None and action in ("call-next", "no-show"):
            seen = self._house.called if action == "call-next" else self._house.missed
            seen[queue_id].append(pressed.ticket)
