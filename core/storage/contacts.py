"""Contacts: who can be reached where, and who asked not to be."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, bindparam, delete, exists, insert, select, update

from core.model import Contact, ContactAddress
from core.storage.columns import row_of
from core.storage.tables import contacts, opt_outs, tickets

CONTACT = select(
    contacts.c.id,
    contacts.c.channel,
    contacts.c.address,
    contacts.c.language,
    contacts.c.name,
    contacts.c.dialogue,
    contacts.c.opted_out,
    contacts.c.unreachable,
)
# One statement finds a contact and, where there is none, what an erased one had wished: a row comes in any case.
ASKED = select(
    bindparam("of_channel", type_=String).label("channel"),
    bindparam("of_address", type_=String).label("address"),
    bindparam("of_hash", type_=String).label("contact_hash"),
).subquery("asked")
LOCK = (
    select(*CONTACT.selected_columns, opt_outs.c.senders)
    .select_from(ASKED)
    .outerjoin(contacts, and_(contacts.c.channel == ASKED.c.channel, contacts.c.address == ASKED.c.address))
    .outerjoin(opt_outs, opt_outs.c.contact_hash == ASKED.c.contact_hash)
    .with_for_update()
)
BY_ID = CONTACT.where(contacts.c.id == bindparam("of_id"))
SAVE = (
    update(contacts)
    .where(contacts.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("language", "name", "dialogue", "opted_out", "unreachable")})
)
INSERT = insert(contacts)
KEPT_TICKET = exists().where(tickets.c.contact_id == contacts.c.id, tickets.c.erased_at.is_(None))


class Contacts:
    """The contacts, on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._added: set[str] = set()

    def lock(self, address: ContactAddress, contact_hash: str) -> tuple[Contact | None, list[str]]:
        """The contact at this address, locked until the transaction ends; None when it is new.

        With it the senders that an erased contact with this hash had opted out of.
        """
        values = {"of_channel": address.channel, "of_address": address.address, "of_hash": contact_hash}
        *found, senders = self._connection.execute(LOCK, values).one()
        return (None if found[0] is None else Contact(*found)), senders or []

    def get(self, contact_id: str) -> Contact:
        """The contact with this id, which must exist."""
        return Contact(*self._connection.execute(BY_ID, {"of_id": contact_id}).one())

    def lock_by_id(self, contact_id: str) -> Contact:
        """The contact with this id, which must exist, locked until the transaction ends."""
        return Contact(*self._connection.execute(BY_ID.with_for_update(), {"of_id": contact_id}).one())

    def insert(self, contact: Contact, at: datetime) -> None:
        """Add a contact. Raises IntegrityError where another process just added the same address."""
        self._connection.execute(INSERT, row_of(contact) | {"created_at": at})
        self._added.add(contact.id)

    def is_new(self, contact_id: str) -> bool:
        """Whether this transaction added the contact, so that nothing else can name it yet."""
        return contact_id in self._added

    def save(self, contact: Contact) -> None:
        """Write what may change of a contact: language, name, dialogue, opt-outs, reachability."""
        values = row_of(contact)
        del values["id"], values["channel"], values["address"]
        self._connection.execute(SAVE, values | {"of_id": contact.id})

    def keep_opt_outs(self, contact_hash: str, senders: list[str]) -> None:
        """Remember opt-outs beyond the erasure of their contact; those of an earlier one are replaced."""
        self._connection.execute(delete(opt_outs).where(opt_outs.c.contact_hash == contact_hash))
        if senders:
            self._connection.execute(insert(opt_outs), {"contact_hash": contact_hash, "senders": senders})

    def without_tickets_kept(self, made_before: datetime, at_most: int) -> list[str]:
        """The ids of contacts made before then that no unerased ticket names."""
        query = (
            select(contacts.c.id)
            .where(contacts.c.address.is_not(None), contacts.c.created_at < made_before, ~KEPT_TICKET)
            .limit(at_most)
        )
        return list(self._connection.execute(query).scalars())

    def has_kept_ticket(self, contact_id: str) -> bool:
        """Whether an unerased ticket names this contact."""
        query = select(contacts.c.id).where(contacts.c.id == contact_id, KEPT_TICKET)
        return self._connection.execute(query).first() is not None

    def erase(self, contact_id: str) -> None:
        """Blank everything personal of a contact; its id stays for the events that name it."""
        blank: dict[str, Any] = {
            "address": None,
            "name": "",
            "dialogue": None,
            "opted_out": [],
            "language": None,
        }
        self._connection.execute(update(contacts).where(contacts.c.id == contact_id).values(blank))
