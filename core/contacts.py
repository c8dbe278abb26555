"""Contacts: found or made, and their wish not to be texted, which outlives them as a keyed hash."""

import hashlib
import hmac
import secrets

from core.model import Contact, ContactAddress
from core.storage.records import Transaction


class ContactBook:
    """The contacts. `key` makes the hashes under which an erased contact's opt-outs are remembered."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def lock(self, tx: Transaction, address: ContactAddress) -> tuple[Contact, bool]:
        """The contact at this address, locked until the transaction ends, and whether it is new: then `add` it."""
        found, opted_out = tx.contacts.lock(address, self.hash(address))
        if found is not None:
            return found, False
        new = Contact(
            id=secrets.token_hex(8),
            channel=address.channel,
            address=address.address,
            language=None,
            name="",
            dialogue=None,
            opted_out=opted_out,
            unreachable=None,
        )
        return new, True

    def add(self, tx: Transaction, contact: Contact) -> None:
        """Put a contact that was found to be new into the record."""
        tx.contacts.insert(contact, tx.now)

    def lock_or_add(self, tx: Transaction, address: ContactAddress) -> Contact:
        """The contact at this address, locked until the transaction ends, and in the record."""
        contact, is_new = self.lock(tx, address)
        if is_new:
            self.add(tx, contact)
        return contact

    def opt_out(self, tx: Transaction, contact: Contact, sender: str) -> None:
        """Note that the contact wants nothing more from this sender of ours."""
        if sender not in contact.opted_out:
            contact.opted_out.append(sender)
            tx.contacts.save(contact)

    def opt_in(self, tx: Transaction, contact: Contact, sender: str) -> None:
        """Note that the contact may be texted again by this sender; what made it unreachable is forgotten too."""
        if sender in contact.opted_out:
            contact.opted_out.remove(sender)
        contact.unreachable = None
        tx.contacts.save(contact)

    def erase(self, tx: Transaction, contact: Contact) -> None:
        """Blank a contact; its opt-outs survive."""
        address = ContactAddress(contact.channel, contact.address)
        tx.contacts.keep_opt_outs(self.hash(address), contact.opted_out)
        tx.contacts.erase(contact.id)

    def hash(self, address: ContactAddress) -> str:
        """The keyed hash that stands for an address that may not be kept."""
        text = f"{address.channel}:{address.address}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
