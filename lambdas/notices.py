"""What the functions share that tell guests: from a nudge in the channel's queue to what the carrier said."""

import os
from datetime import timedelta

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bots.channels import Sender
from bots.delivery import Delivery
from core.notices import NoticeService
from core.storage.fan_out import ChannelQueue, Nudge
from core.storage.queue_messages import read
from lambdas.wiring import Parts


class NotTaken(Exception):
    """The carrier did not take a notice; another try may help, until the queue gives it up."""


class Teller:
    """Tells the guests of one queue's channels."""

    def __init__(self, parts: Parts, senders: dict[str, Sender]) -> None:
        self._notices: NoticeService = parts.notices
        self._delivery = Delivery(parts.notices, senders, parts.settings.public_url, parts.records.clock)
        self._queue = ChannelQueue(os.environ["CHANNEL_QUEUE"])

    def tell(self, record: SQSRecord) -> None:
        """Send whatever this ticket's guest is to be told now, one after the other.

        A notice that was throttled is nudged anew, so that the queue counts failures only.

        Raises MalformedMessage and UnknownVersion before it does anything; NotTaken; RecordUnavailable and
        OutcomeUnknown where the record is away; QueueUnavailable where the queue is.
        """
        nudge = read(Nudge, record.body)
        ticket_id = nudge.ticket_id
        if nudge.again:
            self._notices.resend_dead(ticket_id)
        self._notices.relay(ticket_id=ticket_id)
        told = False
        while claimed := self._notices.claim(1, self._delivery.channels, ticket_id):
            told = True
            outcome = self._delivery.send(claimed[0])
            if outcome.failed:
                # After the last try at once: the queue then sees that it was the last, and lays it aside.
                self._queue.show_again(record.receipt_handle, outcome.again_in or timedelta(0))
                raise NotTaken(claimed[0].notice.id)
            if outcome.again_in is not None:
                self._queue.put_back(ticket_id, outcome.again_in)
        came_before = int(record.attributes.approximate_receive_count) > 1
        if came_before and not told and (dead := self._notices.given_up(ticket_id)):
            # Another message had one of the tries, so the record counted the last before the queue does.
            self._queue.show_again(record.receipt_handle, timedelta(0))
            raise NotTaken(dead[0].id)
