"""What the simulator has to be told by the edition that mounts it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """The parts of the edition's settings that carriers would know, and which of them are simulated.

    `public_url` is what is signed and what status callbacks start with; `base_url` is where the same server
    really listens, and where its webhooks are called. `numbers` answers (venue's name, number in E.164) and
    `codes` (queue's name, join code); both are called in the server's own threads, often.
    """

    public_url: str
    base_url: str
    twilio_account_sid: str
    twilio_auth_token: str
    telegram_bot_token: str
    telegram_webhook_secret: str
    telegram_bot_name: str
    numbers: Callable[[], Sequence[tuple[str, str]]]
    codes: Callable[[], Sequence[tuple[str, str]]]
    sms: bool = True  # False as soon as Twilio's real credentials are set
    telegram: bool = True  # False as soon as a real bot's token is set
    mail: bool = True  # False as soon as a real mail server is set
    carrier_keywords: bool = True  # the carrier answers STOP, START and HELP itself, and blocks
    advanced_opt_out: bool = False  # its webhooks name the keyword's kind, as a messaging service's do
    pause_seconds: float = 0.4  # between one step of a delivery and the next
    webhook_timeout_seconds: float = 15.0

    def reachable(self, url: str) -> str | None:
        """Where the server really answers a public URL of its own; None when the URL is somebody else's."""
        public, base = self.public_url.rstrip("/"), self.base_url.rstrip("/")
        for start in (public, base):
            if url == start or url.startswith((start + "/", start + "?")):
                return base + url[len(start) :]
        return None
