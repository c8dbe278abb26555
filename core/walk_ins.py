"""Walk-ins: guests whom staff add to a line, and whom we may text because of that."""

from collections.abc import Collection
from dataclasses import dataclass

from core.contacts import ContactBook
from core.errors import CountryNotAllowed, TooManyTexts, VenueHasNoNumber
from core.model import Contact, ContactAddress, NoticeKind, Venue, staff
from core.notice_kinds import AN_HOUR, TEXTS_AN_HOUR
from core.phone_numbers import country_of_number, phone_number
from core.queues import Joined, QueueService
from core.storage.records import Transaction
from core.venues import VenueService, country_of


@dataclass(frozen=True, slots=True)
class WalkIns:
    """Adds walk-ins. `countries` (ISO 3166) may be texted; None is the country of the venue's own number.

    `texts_an_hour` is how many texts walk-ins get from one number in an hour, half of them kept for calls.
    """

    queues: QueueService
    venues: VenueService
    contacts: ContactBook
    countries: Collection[str] | None = None
    texts_an_hour: int = TEXTS_AN_HOUR

    def add(
        self,
        tx: Transaction,
        queue_id: str,
        account_id: str,
        *,
        guest_name: str,
        party_size: int,
        phone: str | None = None,
        note: str = "",
    ) -> Joined:
        """Put a walk-in at the end of the line; one with a phone is told the place by text.

        Raises what QueueService.join does, VenueHasNoNumber, InvalidValue, CountryNotAllowed, TooManyTexts.
        """
        place = self.venues.queue(tx, account_id, queue_id)
        venue = self.venues.get(tx, account_id, place.queue.venue_id)
        contact = None if phone is None else self._contact(tx, venue, phone)
        joined = self.queues.join(
            tx,
            queue_id,
            staff(account_id),
            contact=contact,
            sender=None if contact is None else venue.phone_number,
            guest_name=guest_name,
            party_size=party_size,
            note=note,
            announce=True,
        )
        if joined.ticket.sender is not None:
            texts = tx.notices.texts_to_walk_ins(joined.ticket.sender, tx.now - AN_HOUR)
            if not texts.leave_room_for(NoticeKind.JOINED, self.texts_an_hour):
                raise TooManyTexts(texts=texts.calls + texts.others)
        return joined

    def _contact(self, tx: Transaction, venue: Venue, phone: str) -> Contact:
        if venue.phone_number is None:
            raise VenueHasNoNumber
        number = phone_number(phone, country_of(venue), "phone")
        country = country_of_number(number)
        allowed = self.countries or (country_of_number(venue.phone_number),)
        if country not in allowed:
            raise CountryNotAllowed(country=country, countries=sorted(allowed))
        return self.contacts.lock_or_add(tx, ContactAddress("sms", number))
