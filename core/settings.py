"""What an operator can set: read from the environment, checked whole at the start, and never changed afterwards."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

SHORTEST_TOKEN_KEY = 32
TELEGRAM_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # Bot API, setWebhook
BOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@?#\[\]]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a setting. `id` is stable, `sentence` says what it is, `hint` how to mend it."""

    id: str
    sentence: str
    hint: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint} [{self.id}]"


class SettingsError(Exception):
    """The settings can't be used; `findings` holds everything that is wrong with them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Twilio:
    """The account on Twilio. `api_url` is None for Twilio's own; `simulated` when no real credentials are set.

    `carrier_answers`: Twilio itself answers STOP, START and HELP on SMS. `whatsapp`: the venues' numbers are on
    WhatsApp too.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str | None
    simulated: bool
    carrier_answers: bool
    whatsapp: bool


@dataclass(frozen=True, slots=True)
class Telegram:
    """The bot. `api_url` is None for Telegram's own; `bot_name` where it was not told."""

    bot_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_url: str | None
    bot_name: str | None
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

    `proxies` is the number of the operator's own proxies in front; `database_url` is SQLAlchemy's.
    `text_countries` (ISO 3166) are those that walk-ins may be texted in, None for the venue's own;
    `texts_an_hour` is how many of them a venue may text.
    """

    host: str
    port: int
    proxies: int
    data_dir: Path
    public_url: str
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
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; a secret that is not set is made once and kept in DATA_DIR/secrets.

        Raises SettingsError with every finding.
        """
        reader = _Reader(environment)
        port = reader.number("PORT", 8000)
        public_url = reader.url("PUBLIC_URL", only_host=True) or f"http://localhost:{port}"
        settings = cls(
            host=reader.host("HOST") or "127.0.0.1",
            port=port,
            proxies=reader.number("TRUSTED_PROXIES", 0, smallest=0, largest=9),
            data_dir=reader.data_dir,
            public_url=public_url,
            database_url=_database_url(reader),
            redis_url=_redis_url(reader),
            token_key=_token_key(reader),
            contact_key=reader.secret("CONTACT_KEY").encode(),
            open_sign_up=reader.choice("SIGN_UP", "open", "invited") == "open",
            text_countries=reader.countries("TEXT_COUNTRIES"),
            texts_an_hour=reader.number("TEXTS_AN_HOUR", 60, smallest=0),
            demo_password=reader.text("DEMO_PASSWORD"),
            twilio=_twilio(reader),
            telegram=_telegram(reader),
            mail_server=_mail_server(reader, public_url),
        )
        if reader.findings:
            raise SettingsError(reader.findings)
        return settings

    @property
    def secret_values(self) -> tuple[str, ...]:
        """What must never be written to a log."""
        in_urls = (urlsplit(url).password for url in (self.database_url, self.redis_url or ""))
        values = (
            self.token_key,
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


class _Reader:
    """Reads one variable after the other, and collects what is wrong with them. An empty one is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.findings: list[Finding] = []
        self.data_dir = Path(self.text("DATA_DIR") or ".data").expanduser().absolute()
        self._secrets_dir = self.data_dir / "secrets"
        try:
            _make_private(self._secrets_dir)
        except OSError as error:
            self.find(
                "data-dir-unusable",
                f"DATA_DIR={self.data_dir} can't be used: {error.strerror}.",
                "Name a directory that you may write to.",
            )

    def find(self, identifier: str, sentence: str, hint: str) -> None:
        self.findings.append(Finding(identifier, sentence, hint))

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def number(self, name: str, default: int, smallest: int = 1, largest: int = 65535) -> int:
        given = self.text(name)
        if given is None:
            return default
        if given.isascii() and given.isdecimal() and smallest <= int(given) <= largest:
            return int(given)
        identifier = name.lower().replace("_", "-") + "-invalid"
        self.find(
            identifier,
            f"{name}={given} is not a number from {smallest} to {largest}.",
            f"Set one, or leave it out for {default}.",
        )
        return default

    def choice(self, name: str, default: str, *others: str) -> str:
        given = self.text(name)
        if given is None or given in (default, *others):
            return given or default
        identifier = name.lower().replace("_", "-") + "-unknown"
        choices = " or ".join((default, *others))
        self.find(identifier, f"{name}={given} is not known.", f"Set it to {choices}; {default} when left out.")
        return default

    def countries(self, name: str) -> tuple[str, ...] | None:
        given = self.text(name)
        if given is None:
            return None
        countries = tuple(country.strip().upper() for country in given.split(","))
        if not all(re.fullmatch("[A-Z]{2}", country) for country in countries):
            self.find(
                "text-countries-invalid",
                f"{name}={given} is not a list of countries.",
                "Write their two letters with commas between them, such as BR,US.",
            )
        return countries

    def host(self, name: str) -> str | None:
        given = self.text(name)
        if given is not None and not re.fullmatch(r"[^\s/@?#]+", given):
            self.find(
                f"{name.lower()}-invalid",
                f"{name}={given} is not an address to listen on.",
                "127.0.0.1 serves this machine only, 0.0.0.0 every network that it is on.",
            )
        return given

    def url(self, name: str, *, only_host: bool = False) -> str | None:
        """A URL without the slash at its end."""
        given = self.text(name)
        if given is None:
            return None
        identifier = name.lower().replace("_", "-") + "-invalid"
        try:
            parts = urlsplit(given)
            well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            self.find(identifier, f"{name} is not a URL.", "Write it like https://line.example.com.")
            return None
        if not well_formed or parts.query or parts.fragment or parts.username or parts.password:
            self.find(
                identifier,
                f"{name} is not a whole URL: scheme and host, and no user, query or fragment.",
                "Write it like https://line.example.com.",
            )
        elif only_host and parts.path not in ("", "/"):
            self.find(
                identifier,
                f"{name}={given} has a path.",
                "Queue Manager needs a host of its own; leave the path out.",
            )
        return given.rstrip("/")

    def secret(self, name: str, make: str | None = None) -> str:
        """The value that is set, else the one that was made and kept, else a new one (`make`, or random)."""
        given = self.text(name)
        if given is not None:
            return given
        try:
            return _kept(self._secrets_dir / name.lower(), make or secrets.token_urlsafe(32))
        except OSError as error:
            if not self.findings:
                self.find(
                    "secrets-unusable",
                    f"{self._secrets_dir} can't be used: {error.strerror}.",
                    f"Make it readable and writable for this user, or set {name}.",
                )
            return ""

    def together(self, identifier: str, *names: str) -> bool:
        """Whether all of these are set; half of them is a finding."""
        missing = [name for name in names if self.text(name) is None]
        if missing and len(missing) < len(names):
            given = " and ".join(name for name in names if name not in missing)
            self.find(
                identifier,
                f"{given} is set, but {' and '.join(missing)} is not.",
                "Set all of them, or none.",
            )
        return not missing


def _database_url(reader: _Reader) -> str:
    """MySQL where MYSQL_HOST is set, SQLite in DATA_DIR otherwise."""
    host, user, database = (reader.text(f"MYSQL_{part}") for part in ("HOST", "USER", "DATABASE"))
    if host is None:
        if user or database or reader.text("MYSQL_PASSWORD"):
            reader.find(
                "mysql-incomplete",
                "MYSQL_USER, MYSQL_PASSWORD or MYSQL_DATABASE is set, but MYSQL_HOST is not.",
                "Set MYSQL_HOST too, or none of them for the database in DATA_DIR.",
            )
        return f"sqlite:///{reader.data_dir / 'queue.db'}"
    if not HOST_AND_PORT.fullmatch(host):
        reader.find("mysql-host-invalid", f"MYSQL_HOST={host} is not a host.", "Write host or host:port.")
    if user is None or database is None:
        reader.find(
            "mysql-incomplete",
            "MYSQL_HOST is set, but MYSQL_USER or MYSQL_DATABASE is not.",
            "Set both, and MYSQL_PASSWORD unless the account has none.",
        )
    password = reader.text("MYSQL_PASSWORD")
    login = quote(user or "", safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"mysql+pymysql://{login}@{host}/{quote(database or '', safe='')}"


def _redis_url(reader: _Reader) -> str | None:
    """REDIS_HOST as host, host:port, or a URL (redis, rediss, unix)."""
    given = reader.text("REDIS_HOST")
    if given is None or given.startswith(("redis://", "rediss://", "unix://")):
        return given
    if not HOST_AND_PORT.fullmatch(given):
        reader.find(
            "redis-host-invalid",
            "REDIS_HOST is neither a host nor a URL.",
            "Write host, host:port, or rediss://user:password@host:port.",
        )
    return f"redis://{given}"


def _token_key(reader: _Reader) -> str:
    """What signs sessions (HS256)."""
    key = reader.secret("TOKEN_KEY")
    if reader.text("TOKEN_KEY") is not None and len(key.encode()) < SHORTEST_TOKEN_KEY:
        reader.find(
            "token-key-short",
            f"TOKEN_KEY has fewer than {SHORTEST_TOKEN_KEY} bytes: sessions could be forged.",
            "Make one with `openssl rand -base64 32`, or leave it out: then one is made and kept in DATA_DIR.",
        )
    return key


def _twilio(reader: _Reader) -> Twilio:
    real = reader.together("twilio-incomplete", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    account_sid = reader.secret("TWILIO_ACCOUNT_SID", "AC" + secrets.token_hex(16))
    if real and not account_sid.startswith("AC"):
        reader.find(
            "twilio-account-sid-invalid",
            "TWILIO_ACCOUNT_SID does not start with AC.",
            "Copy the account SID from Twilio's console; the SID of an API key (SK…) won't do.",
        )
    return Twilio(
        account_sid=account_sid,
        auth_token=reader.secret("TWILIO_AUTH_TOKEN"),
        api_url=reader.url("TWILIO_API_URL"),
        simulated=not real,
        carrier_answers=reader.choice("SMS_KEYWORDS", "carrier", "own") == "carrier",
        whatsapp=reader.choice("TWILIO_WHATSAPP", "off", "on") == "on" or not real,
    )


def _telegram(reader: _Reader) -> Telegram:
    token = reader.secret("TELEGRAM_BOT_TOKEN", f"1000000001:{secrets.token_urlsafe(26)}")
    secret = reader.secret("TELEGRAM_WEBHOOK_SECRET")
    name = reader.text("TELEGRAM_BOT_NAME")
    simulated = reader.text("TELEGRAM_BOT_TOKEN") is None
    if not simulated and not TELEGRAM_TOKEN.fullmatch(token):
        reader.find(
            "telegram-bot-token-invalid",
            "TELEGRAM_BOT_TOKEN does not look like 123456:ABC-DEF.",
            "Copy it from @BotFather.",
        )
    if secret and not WEBHOOK_SECRET.fullmatch(secret):
        reader.find(
            "telegram-webhook-secret-invalid",
            "TELEGRAM_WEBHOOK_SECRET may hold 1 to 256 of the characters A-Z a-z 0-9 _ - only.",
            "Leave it out: then one is made and kept in DATA_DIR.",
        )
    if name and not BOT_NAME.fullmatch(name.removeprefix("@")):
        reader.find(
            "telegram-bot-name-invalid",
            f"TELEGRAM_BOT_NAME={name} is not a bot's user name.",
            "It is what stands behind t.me/, such as TheBarBot.",
        )
    return Telegram(
        bot_token=token,
        webhook_secret=secret,
        api_url=reader.url("TELEGRAM_API_URL"),
        bot_name=name.removeprefix("@") if name else None,
        simulated=simulated,
    )


def _mail_server(reader: _Reader, public_url: str) -> MailServer | None:
    host, port = reader.host("SMTP_HOST"), reader.number("SMTP_PORT", 587)
    reader.together("smtp-login-incomplete", "SMTP_USER", "SMTP_PASSWORD")
    user, sender = reader.text("SMTP_USER"), reader.text("MAIL_FROM")
    if sender is not None and not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", sender):
        reader.find(
            "mail-from-invalid",
            f"MAIL_FROM={sender} is not a mail address.",
            "Write the address alone, such as line@example.com.",
        )
    if host is None:
        if user is not None:
            reader.find(
                "smtp-incomplete",
                "SMTP_USER is set, but SMTP_HOST is not.",
                "Set SMTP_HOST, or none of them: then mails are shown in the simulator.",
            )
        return None
    if sender is None:
        sender = user if user and "@" in user else f"queue-manager@{urlsplit(public_url).hostname}"
    return MailServer(host, port, user, reader.text("SMTP_PASSWORD"), sender)


def _make_private(directory: Path) -> None:
    """Make a directory for this user alone, and its parent likewise where that is missing too."""
    for path in (directory.parent, directory):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(13, "no permission to write", str(directory))


def _kept(path: Path, new: str) -> str:
    """What the file holds; without one, `new`, which it then holds. Two processes get the same."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            return path.read_text().strip()
        finally:
            unfinished.unlink()
        return new
