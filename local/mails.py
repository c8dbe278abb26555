"""Account mail on one machine: through the operator's mail server, or into the simulator's inbox."""

from threading import BoundedSemaphore

from bots.email.sender import MailSender
from core.accounts import SendMail
from core.settings import Settings
from local.simulator import State

# Of each of the server's answers. Whoever asked for the mail waits for it, and holds one of the server's threads.
TIMEOUT_SECONDS = 5.0
AT_ONCE = 4
PATIENCE_SECONDS = 1.0


def mail_sender(settings: Settings, simulated: State) -> SendMail | None:
    """What sends a mail, and raises OSError when it was not taken; None where mails can't go anywhere."""
    server = settings.mail_server
    if server is not None:
        sender = MailSender(
            server.host,
            server.port,
            server.sender,
            user=server.user,
            password=server.password,
            timeout=TIMEOUT_SECONDS,
        )
        return FewAtOnce(sender.send).send
    return simulated.receive_mail if settings.simulator else None


def no_mail(_to: str, _subject: str, _text: str) -> None:
    """Raises OSError."""
    raise OSError("SMTP_HOST is not set, so there is nothing that sends mails")


class FewAtOnce:
    """Sends four mails at a time: however slow the mail server is, there are threads left for the line."""

    def __init__(self, send: SendMail) -> None:
        self._send = send
        self._turn = BoundedSemaphore(AT_ONCE)

    def send(self, to: str, subject: str, text: str) -> None:
        """Send the mail, after a second's wait at most. Raises OSError where it was not taken, or no turn came."""
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise OSError(f"{AT_ONCE} mails are under way already, and the mail server takes its time")
        try:
            self._send(to, subject, text)
        finally:
            self._turn.release()
