"""Venues, who works there, and whose the phone numbers are."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from core.model import Venue
from core.storage.columns import row_of
from core.storage.tables import memberships, phone_numbers, venues

OWNER = "owner"

ROLE = select(memberships.c.role).where(
    memberships.c.account_id == bindparam("of_account"), memberships.c.venue_id == bindparam("of_venue")
)


class Venues:
    """The venues, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, venue_id: str) -> Venue | None:
        """The venue with this id."""
        row = self._connection.execute(select(venues).where(venues.c.id == venue_id)).first()
        return None if row is None else Venue(*row)

    def lock(self, venue_id: str) -> Venue | None:
        """The venue with this id, its row locked until the transaction ends."""
        query = select(venues).where(venues.c.id == venue_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else Venue(*row)

    def of_account(self, account_id: str) -> list[Venue]:
        """The venues where this account works, oldest first."""
        query = (
            select(venues)
            .join(memberships, memberships.c.venue_id == venues.c.id)
            .where(memberships.c.account_id == account_id)
            .order_by(venues.c.created_at, venues.c.id)
        )
        return [Venue(*row) for row in self._connection.execute(query)]

    def role(self, account_id: str, venue_id: str) -> str | None:
        """`owner` or `member`; None for a stranger."""
        role: str | None = self._connection.execute(ROLE, {"of_account": account_id, "of_venue": venue_id}).scalar()
        return role

    def insert(self, venue: Venue, owner_id: str) -> None:
        """Add a venue and its owner."""
        self._connection.execute(insert(venues), row_of(venue))
        self._connection.execute(insert(memberships), {"account_id": owner_id, "venue_id": venue.id, "role": OWNER})

    def save(self, venue: Venue) -> None:
        """Write the venue's settings."""
        values: dict[str, Any] = row_of(venue)
        del values["id"], values["created_at"]
        self._connection.execute(update(venues).where(venues.c.id == venue.id).values(values))

    def numbers(self) -> list[tuple[str, str]]:
        """Every venue's phone number with the venue's name, by number."""
        query = select(venues.c.phone_number, venues.c.name).where(venues.c.phone_number.is_not(None))
        return [(number, name) for number, name in self._connection.execute(query.order_by(venues.c.phone_number))]

    def number_owner(self, number: str) -> str | None:
        """The account that has this phone number, the row locked."""
        query = select(phone_numbers.c.account_id).where(phone_numbers.c.number == number).with_for_update()
        owner: str | None = self._connection.execute(query).scalar()
        return owner

    def take_number(self, number: str, account_id: str) -> None:
        """Give the number to an account. Raises IntegrityError where it has an owner."""
        self._connection.execute(insert(phone_numbers), {"number": number, "account_id": account_id})

    def free_number(self, number: str) -> None:
        """Give the number up, unless a venue still has it."""
        unused = ~select(venues.c.id).where(venues.c.phone_number == number).exists()
        self._connection.execute(delete(phone_numbers).where(phone_numbers.c.number == number, unused))
