"""What a guest is told without having asked, in one language."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bots import buttons
from bots.buttons import Rows
from bots.phrases import Phrases, Standing, bounded, sentences, with_words_of_staff
from core.model import NoticeKind
from core.no_show_clock import back_until


class NoticeTexts(Phrases):
    """The texts of notices. The first words say what happened: a phone's lock screen shows no more."""

    def text(self, kind: NoticeKind, standing: Standing, now: datetime, *, asks_party: bool = False) -> str:
        """The notice as one text, sent at `now`. `asks_party`: the guest's party size is still to be asked."""
        texts: dict[NoticeKind, Callable[[Standing], str]] = {
            NoticeKind.ALMOST_THERE: self._almost_there,
            NoticeKind.CALLED: self.turn,
            NoticeKind.RECALLED: self._recalled,
            NoticeKind.NOT_YET: self._not_yet,
            NoticeKind.NO_SHOW: partial(self._no_show, now=now),
            NoticeKind.REMOVED: self._removed,
            NoticeKind.CLOSED: self._closed,
        }
        if kind is NoticeKind.JOINED:
            return self._joined(standing, asks_party=asks_party)
        return texts[kind](standing)

    def rows(self, kind: NoticeKind, standing: Standing, *, asks_party: bool = False) -> Rows:
        """The buttons under it, while the guest has a place."""
        if kind in (NoticeKind.NO_SHOW, NoticeKind.REMOVED, NoticeKind.CLOSED):
            return ()
        sizes = buttons.party_sizes(standing.at.queue.largest_party, standing.ticket) if asks_party else ()
        return (*sizes, *buttons.card(self, standing.ticket))

    def _joined(self, standing: Standing, *, asks_party: bool) -> str:
        queue, ticket = standing.at.queue, standing.ticket
        if ticket.added_by_staff:
            text = sentences(self._put_in_line(standing), self.link(ticket), self._how_to_end_it())
        else:
            more = self.ask_party_size() if asks_party else self.wait(queue, standing.position)
            text = sentences(self.standing(standing), more, self.link(ticket))
        return with_words_of_staff(text, queue.text)

    def _put_in_line(self, standing: Standing) -> str:
        """Why a text comes to somebody who never wrote to us."""
        return self.gettext("The staff put you in line at {where}: place {place}, number {number}.").format(
            where=standing.where, place=standing.position, number=standing.ticket.number
        )

    def _how_to_end_it(self) -> str:
        """Carriers ask for it in the first text to somebody who did not write first."""
        return self.gettext("Send LEAVE to leave, STOP for no texts.")

    def _almost_there(self, standing: Standing) -> str:
        soon = self.gettext("Almost your turn at {where}: place {place}, number {number}. Please come near.")
        return soon.format(where=standing.where, place=standing.position, number=standing.ticket.number)

    def _recalled(self, standing: Standing) -> str:
        return bounded(self.gettext("We're waiting for you!"), self.turn(standing))

    def _not_yet(self, standing: Standing) -> str:
        sorry = self.gettext("Sorry, not yet: we called you too early.")
        return sentences(sorry, self.standing(standing), self.gettext("We'll tell you when it's time."))

    def _no_show(self, standing: Standing, now: datetime) -> str:
        queue = standing.at.queue
        missed = self.gettext("You missed your call at {where}, number {number}.").format(
            where=standing.where, number=standing.ticket.number
        )
        until = back_until(standing.ticket, queue, standing.at)
        minutes = 0 if until is None else (until - now) // timedelta(minutes=1)
        if minutes < 1:
            again = self.gettext("Send JOIN {code} to get in line again.").format(code=queue.join_code)
        else:
            again = self.ngettext(
                "Send JOIN {code} within {count} minute to come back to the front.",
                "Send JOIN {code} within {count} minutes to come back to the front.",
                minutes,
            ).format(code=queue.join_code, count=minutes)
        return sentences(missed, again)

    def _removed(self, standing: Standing) -> str:
        return self.gettext("You're no longer in line at {where}: the staff removed number {number}.").format(
            where=standing.where, number=standing.ticket.number
        )

    def _closed(self, standing: Standing) -> str:
        return self.gettext("Sorry, {where} has closed the line: number {number} won't be called any more.").format(
            where=standing.where, number=standing.ticket.number
        )
