"""Account mail on one machine: through the operator's mail server, or into the simulator's inbox."""

from bots.email.sender import MailSender
from core.accounts import SendMail
from core.settings import Settings
from local.simulator import State


def mail_sender(settings: Settings, simulated: State) -> SendMail | None:
    """What sends a mail, and raises OSError when it was not taken; None where mails can't go anywhere."""
    if settings.mail_server is not None:
        return MailSender.through(settings.mail_server).send
    return simulated.receive_mail if settings.simulator else None
