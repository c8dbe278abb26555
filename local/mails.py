"""Account mail on one machine: through the operator's mail server, or into the simulator's inbox."""

from bots.email.sender import MailSender
from core.accounts import SendMail
from core.settings import Settings
from local.simulator import State

# Of each of the server's answers. Whoever asked for the mail waits for it, and holds one of the server's threads.
TIMEOUT_SECONDS = 5.0


def mail_sender(settings: Settings, simulated: State) -> SendMail | None:
    """What sends a mail, and raises OSError when it was not taken; None where mails can't go anywhere."""
    if settings.mail_server is not None:
        return MailSender.through(settings.mail_server, TIMEOUT_SECONDS).send
    return simulated.receive_mail if settings.simulator else None
