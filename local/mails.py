"""Account mail on one machine: through the operator's mail server, or into the simulator's inbox."""

import httpx

from bots.email.sender import MailSender
from core.accounts import SendMail
from core.settings import Settings

TIMEOUT_SECONDS = 5.0


def mail_sender(settings: Settings, simulator_url: str) -> SendMail:
    """What sends a mail; raises OSError when it was not taken."""
    server = settings.mail_server
    if server is None:
        return SimulatedMail(simulator_url).send
    return MailSender(server.host, server.port, server.sender, user=server.user, password=server.password).send


class SimulatedMail:
    """Puts mails into the simulator's inbox, over HTTP as everything else that reaches the simulator."""

    def __init__(self, simulator_url: str) -> None:
        self._url = f"{simulator_url}/mails"

    def send(self, to: str, subject: str, text: str) -> None:
        """Deliver one mail. Raises OSError."""
        mail = {"to": to, "subject": subject, "text": text}
        try:
            httpx.post(self._url, json=mail, timeout=TIMEOUT_SECONDS, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise OSError(f"the simulator's inbox did not take the mail: {error}") from error
