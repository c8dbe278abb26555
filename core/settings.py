"""What an operator can set: read from the environment, checked whole at the start, and never changed afterwards."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from core.environment import Environment, Finding, SettingsError
from core.notice_kinds import TEXTS_AN_HOUR

SHORTEST_TOKEN_KEY = 32
TELEGRAM_API_URL = "https://api.telegram.org"
TELEGRAM_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # Bot API, setWebhook
BOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
LISTEN_HINT = "127.0.0.1 serves this machine only, 0.0.0.0 every network that it is on."
MAIL_HINT = "Write it like smtp.example.com; its log-in belongs in SMTP_USER and SMTP_PASSWORD."
# By whoever keeps nothing on a disk, and has neither a database nor a Redis of its own.
NEEDED_FOR_DATABASE = ("MYSQL_DATABASE", "MYSQL_HOST", "MYSQL_USER")
NEEDED = (
    *NEEDED_FOR_DATABASE,
    "CONTACT_KEY",
    "ORIGIN_KEY",
    "PUBLIC_URL",
    "REDIS_HOST",
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_WEBHOOK_SECRET",
    "TOKEN_KEY",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
)
HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@?#\[\]]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Twilio:
    """The account on Twilio. `api_url` is None for Twilio's own.

    `connected`: real credentials are set. `simulated`: they are not, and the simulator stands in.
    `carrier_answers`: Twilio itself answers STOP, START and HELP on SMS. `whatsapp`: the venues' numbers are on
    WhatsApp too.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str | None
    connected: bool
    simulated: bool
    carrier_answers: bool
    whatsapp: bool


@dataclass(frozen=True, slots=True)
class Telegram:
    """The bot. `api_url` is None for Telegram's own; `bot_name` where it was not told.

    `connected` and `simulated` as with Twilio.
    """

    bot_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_url: str | None
    bot_name: str | None
    connected: bool
    simulated: bool


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server that account mail goes through; `sender` is the address that it comes from."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set. `redis_url` is None for the embedded Valkey, `mail_server` where none is set.

    `simulator`: PUBLIC_URL names this machine itself, so the simulator stands in for what is not connected.
    `proxies` is the number of the operator's own proxies in front; by `origin_key` a front of ours shows that a request
    came through it; `database_url` is SQLAlchemy's.
    `text_countries` (ISO 3166) are those that walk-ins may be texted in, None for the venue's own;
    `texts_an_hour` is how many texts they get from one number, half of them kept for calls.
    """

    host: str
    port: int
    proxies: int
    origin_key: str | None = field(repr=False)
    data_dir: Path
    public_url: str
    simulator: bool
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    token_key: str = field(repr=False)
    contact_key: bytes = field(repr=False)
    open_sign_up: bool
    text_countries: tuple[str, ...] | None
    texts_an_hour: int
    demo_password: str | None = field(repr=False)
    twilio: Twilio
    telegram: Telegram
    mail_server: MailServer | None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the settings; a secret that is not set is made once and kept in DATA_DIR/secrets.

        Raises SettingsError with every finding.
        """
        environment = Environment(variables)
        environment.open_data_dir()
        return cls._read(environment)

    @classmethod
    def from_parameters(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the settings where no disk keeps anything: all of NEEDED must be set, and nothing is made up.

        Raises SettingsError with every finding.
        """
        _check_needed(variables, NEEDED)
        return cls._read(Environment(variables))

    @classmethod
    def _read(cls, environment: Environment) -> "Settings":
        port = environment.number("PORT", 8000)
        public_url = environment.url("PUBLIC_URL", only_host=True) or f"http://localhost:{port}"
        simulator = _is_this_machine(public_url)
        settings = cls(
            host=environment.host("HOST", LISTEN_HINT) or "127.0.0.1",
            port=port,
            proxies=environment.number("TRUSTED_PROXIES", 0, smallest=0, largest=9),
            origin_key=environment.text("ORIGIN_KEY"),
            data_dir=environment.data_dir,
            public_url=public_url,
            simulator=simulator,
            database_url=_database_url(environment),
            redis_url=_redis_url(environment),
            token_key=_token_key(environment),
            contact_key=environment.secret("CONTACT_KEY").encode(),
            open_sign_up=environment.choice("SIGN_UP", "open", "invited") == "open",
            text_countries=environment.countries("TEXT_COUNTRIES"),
            texts_an_hour=environment.number("TEXTS_AN_HOUR", TEXTS_AN_HOUR, smallest=0),
            demo_password=environment.text("DEMO_PASSWORD"),
            twilio=_twilio(environment, simulator),
            telegram=_telegram(environment, simulator),
            mail_server=_mail_server(environment, public_url),
        )
        if environment.findings:
            raise SettingsError(environment.findings)
        return settings

    @property
    def secret_values(self) -> tuple[str, ...]:
        """What must never be written to a log."""
        in_urls = (urlsplit(url).password for url in (self.database_url, self.redis_url or ""))
        values = (
            self.token_key,
            self.origin_key,
            self.contact_key.decode(),
            self.twilio.auth_token,
            self.telegram.bot_token,
            self.telegram.webhook_secret,
            self.demo_password,
            self.mail_server and self.mail_server.password,
            # As a library may write them, and as they were typed.
            *(form for password in in_urls if password for form in {password, unquote(password)}),
        )
        return tuple(value for value in values if value)


def database_parameters(variables: Mapping[str, str]) -> tuple[str, str | None]:
    """SQLAlchemy's URL of the database and the password in it, for whoever needs nothing else.

    Raises SettingsError with every finding.
    """
    _check_needed(variables, NEEDED_FOR_DATABASE)
    environment = Environment(variables)
    url = _database_url(environment)
    if environment.findings:
        raise SettingsError(environment.findings)
    return url, environment.text("MYSQL_PASSWORD")


def _check_needed(variables: Mapping[str, str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if not variables.get(name, "").strip()]
    if missing:
        raise SettingsError([Finding("parameter-missing", f"{name} is not set.", "Set it.") for name in missing])


def _is_this_machine(public_url: str) -> bool:
    """Whether only this machine's own programs can mean this server by the URL."""
    host = urlsplit(public_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _database_url(environment: Environment) -> str:
    """MySQL where MYSQL_HOST is set, SQLite in DATA_DIR otherwise."""
    host, user, database = (environment.text(f"MYSQL_{part}") for part in ("HOST", "USER", "DATABASE"))
    if host is None:
        if user or database or environment.text("MYSQL_PASSWORD"):
            environment.find(
                "mysql-incomplete",
                "MYSQL_USER, MYSQL_PASSWORD or MYSQL_DATABASE is set, but MYSQL_HOST is not.",
                "Set MYSQL_HOST too, or none of them for the database in DATA_DIR.",
            )
        return f"sqlite:///{environment.data_dir / 'queue.db'}"
    if not HOST_AND_PORT.fullmatch(host):
        environment.find("mysql-host-invalid", "MYSQL_HOST is not a host.", "Write host or host:port.")
    if user is None or database is None:
        environment.find(
            "mysql-incomplete",
            "MYSQL_HOST is set, but MYSQL_USER or MYSQL_DATABASE is not.",
            "Set both, and MYSQL_PASSWORD unless the account has none.",
        )
    password = environment.text("MYSQL_PASSWORD")
    login = quote(user or "", safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"mysql+pymysql://{login}@{host}/{quote(database or '', safe='')}"


def _redis_url(environment: Environment) -> str | None:
    """REDIS_HOST as host, host:port, or a URL (redis, rediss, unix)."""
    given = environment.text("REDIS_HOST")
    if given is None or given.startswith(("redis://", "rediss://", "unix://")):
        return given
    if not HOST_AND_PORT.fullmatch(given):
        environment.find(
            "redis-host-invalid",
            "REDIS_HOST is neither a host nor a URL.",
            "Write host, host:port, or rediss://user:password@host:port.",
        )
    return f"redis://{given}"


def _token_key(environment: Environment) -> str:
    """What signs sessions (HS256)."""
    key = environment.secret("TOKEN_KEY")
    if environment.text("TOKEN_KEY") is not None and len(key.encode()) < SHORTEST_TOKEN_KEY:
        environment.find(
            "token-key-short",
            f"TOKEN_KEY has fewer than {SHORTEST_TOKEN_KEY} bytes: sessions could be forged.",
            "Make one with `openssl rand -base64 32`, or leave it out: then one is made and kept in DATA_DIR.",
        )
    return key


def _twilio(environment: Environment, simulator: bool) -> Twilio:
    real = environment.together("twilio-incomplete", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    account_sid = environment.secret("TWILIO_ACCOUNT_SID", "AC" + secrets.token_hex(16))
    if real and not account_sid.startswith("AC"):
        environment.find(
            "twilio-account-sid-invalid",
            "TWILIO_ACCOUNT_SID does not start with AC.",
            "Copy the account SID from Twilio's console; the SID of an API key (SK…) won't do.",
        )
    return Twilio(
        account_sid=account_sid,
        auth_token=environment.secret("TWILIO_AUTH_TOKEN"),
        api_url=environment.url("TWILIO_API_URL"),
        connected=real,
        simulated=simulator and not real,
        carrier_answers=environment.choice("SMS_KEYWORDS", "carrier", "own") == "carrier",
        whatsapp=environment.choice("TWILIO_WHATSAPP", "off", "on") == "on" or not real,
    )


def _telegram(environment: Environment, simulator: bool) -> Telegram:
    token = environment.secret("TELEGRAM_BOT_TOKEN", f"1000000001:{secrets.token_urlsafe(26)}")
    secret = environment.secret("TELEGRAM_WEBHOOK_SECRET")
    name = environment.text("TELEGRAM_BOT_NAME")
    connected = environment.text("TELEGRAM_BOT_TOKEN") is not None
    if connected and not TELEGRAM_TOKEN.fullmatch(token):
        environment.find(
            "telegram-bot-token-invalid",
            "TELEGRAM_BOT_TOKEN does not look like 123456:ABC-DEF.",
            "Copy it from @BotFather.",
        )
    if secret and not WEBHOOK_SECRET.fullmatch(secret):
        environment.find(
            "telegram-webhook-secret-invalid",
            "TELEGRAM_WEBHOOK_SECRET may hold 1 to 256 of the characters A-Z a-z 0-9 _ - only.",
            "Leave it out: then one is made and kept in DATA_DIR.",
        )
    if name and not BOT_NAME.fullmatch(name.removeprefix("@")):
        environment.find(
            "telegram-bot-name-invalid",
            f"TELEGRAM_BOT_NAME={name} is not a bot's user name.",
            "It is what stands behind t.me/, such as TheBarBot.",
        )
    return Telegram(
        bot_token=token,
        webhook_secret=secret,
        api_url=environment.url("TELEGRAM_API_URL"),
        bot_name=name.removeprefix("@") if name else None,
        connected=connected,
        simulated=simulator and not connected,
    )


def _mail_server(environment: Environment, public_url: str) -> MailServer | None:
    host, port = environment.host("SMTP_HOST", MAIL_HINT), environment.number("SMTP_PORT", 587)
    environment.together("smtp-login-incomplete", "SMTP_USER", "SMTP_PASSWORD")
    user, sender = environment.text("SMTP_USER"), environment.text("MAIL_FROM")
    if sender is not None and not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", sender):
        environment.find(
            "mail-from-invalid",
            f"MAIL_FROM={sender} is not a mail address.",
            "Write the address alone, such as line@example.com.",
        )
    if host is None:
        if user is not None:
            environment.find(
                "smtp-incomplete",
                "SMTP_USER is set, but SMTP_HOST is not.",
                "Set SMTP_HOST, or none of them: on this machine alone, mails are then shown in the simulator.",
            )
        return None
    if sender is None:
        sender = user if user and "@" in user else f"queue-manager@{urlsplit(public_url).hostname}"
    return MailServer(host, port, user, environment.text("SMTP_PASSWORD"), sender)
