"""What an operator can set, and what is said when it can't be used."""

from pathlib import Path

import pytest

from core.environment import SettingsError
from core.settings import Settings
from tests.parameters import PARAMETERS

TWILIO = {"TWILIO_ACCOUNT_SID": "AC0123", "TWILIO_AUTH_TOKEN": "the auth token"}


def read(data_dir: Path, **environment: str) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(data_dir), **environment})


def findings(data_dir: Path, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        read(data_dir, **environment)
    return [finding.id for finding in raised.value.findings]


def test_nothing_set_serves_this_machine_alone(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://localhost:8000"
    assert settings.database_url == f"sqlite:///{tmp_path}/queue.db"
    assert settings.redis_url is None
    assert settings.mail_server is None
    assert (settings.simulator, settings.twilio.simulated, settings.telegram.simulated) == (True, True, True)
    assert settings.open_sign_up


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first, again, elsewhere = read(tmp_path / "a"), read(tmp_path / "a"), read(tmp_path / "b")

    assert first == again
    assert len(set(first.secret_values)) == len(first.secret_values) == 5
    assert not set(first.secret_values) & set(elsewhere.secret_values)


def test_kept_secrets_are_for_their_user_alone(tmp_path: Path) -> None:
    read(tmp_path / "data")

    kept = [tmp_path / "data", tmp_path / "data/secrets", *(tmp_path / "data/secrets").iterdir()]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o700, 0o700, *[0o600] * (len(kept) - 2)]


def test_a_secret_that_is_set_is_not_kept(tmp_path: Path) -> None:
    settings = read(tmp_path, TOKEN_KEY="k" * 32)

    assert settings.token_key == "k" * 32
    assert not (tmp_path / "secrets/token_key").exists()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = read(
        tmp_path / "data",
        **TWILIO,
        MYSQL_HOST="db", MYSQL_USER="line", MYSQL_DATABASE="line", MYSQL_PASSWORD="mysql secret",
        REDIS_HOST="rediss://:redis-secret@cache:6380",
        SMTP_HOST="mail", SMTP_USER="line@example.com", SMTP_PASSWORD="mail secret",
        TELEGRAM_BOT_TOKEN="123:telegram-secret",
        DEMO_PASSWORD="demo secret",
    )  # fmt: skip

    shown = repr(settings)

    assert [value for value in settings.secret_values if value in shown] == []
    assert {"mail secret", "redis-secret", "the auth token", "demo secret"} <= set(settings.secret_values)


def test_mysql_and_redis_take_the_place_of_the_embedded_ones(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        MYSQL_HOST="db.example.com", MYSQL_USER="li/ne", MYSQL_PASSWORD="p@ss:word", MYSQL_DATABASE="line",
        REDIS_HOST="cache.example.com",
    )  # fmt: skip

    assert settings.database_url == "mysql+pymysql://li%2Fne:p%40ss%3Aword@db.example.com/line"
    assert settings.redis_url == "redis://cache.example.com"
    assert "p@ss:word" in settings.secret_values


def test_a_carrier_with_credentials_is_not_simulated(tmp_path: Path) -> None:
    settings = read(tmp_path, **TWILIO, TWILIO_API_URL="http://127.0.0.1:1/x/")

    assert (settings.twilio.connected, settings.twilio.simulated) == (True, False)
    assert settings.twilio.api_url == "http://127.0.0.1:1/x"
    assert (settings.telegram.connected, settings.telegram.simulated) == (False, True)


@pytest.mark.parametrize(
    ("public_url", "simulator"),
    [
        ("http://localhost:9000", True),
        ("http://LOCALHOST", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.2", True),
        ("http://[::1]:8000", True),
        ("https://line.example.com", False),
        ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False),
        ("http://192.168.1.20:8000", False),
        ("http://0.0.0.0:8000", False),
    ],
)
def test_nothing_is_simulated_where_others_may_reach_the_server(
    tmp_path: Path, public_url: str, simulator: bool
) -> None:
    settings = read(tmp_path, PUBLIC_URL=public_url)

    assert settings.simulator is simulator
    assert (settings.twilio.simulated, settings.telegram.simulated) == (simulator, simulator)
    assert not settings.twilio.connected
    assert not settings.telegram.connected


@pytest.mark.parametrize("name", ["token_key", "contact_key", "twilio_auth_token", "telegram_webhook_secret"])
@pytest.mark.parametrize("content", ["", "\n", "cut-off", "\0" * 31, "\udcff" * 20])
def test_a_kept_secret_that_was_cut_off_is_found_and_its_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    read(tmp_path)
    file = tmp_path / "secrets" / name
    file.write_text(content, errors="surrogateescape")

    with pytest.raises(SettingsError) as raised:
        read(tmp_path)

    assert raised.value.findings[0].id == "secret-damaged"
    assert str(file) in raised.value.findings[0].sentence


def test_mail_comes_from_the_account_that_sends_it(tmp_path: Path) -> None:
    login = {"SMTP_USER": "line@example.com", "SMTP_PASSWORD": "x"}
    with_login = read(tmp_path, SMTP_HOST="mail", **login)
    without = read(tmp_path, SMTP_HOST="mail", SMTP_PORT="25", PUBLIC_URL="https://line.example.com/")

    assert with_login.mail_server is not None
    assert (with_login.mail_server.sender, with_login.mail_server.port) == ("line@example.com", 587)
    assert without.mail_server is not None
    assert (without.mail_server.sender, without.mail_server.port) == ("queue-manager@line.example.com", 25)


@pytest.mark.parametrize(
    ("environment", "finding"),
    [
        ({"PORT": "http"}, "port-invalid"),
        ({"PORT": "0"}, "port-invalid"),
        ({"PORT": "65536"}, "port-invalid"),
        ({"HOST": "http://x"}, "host-invalid"),
        ({"TRUSTED_PROXIES": "yes"}, "trusted-proxies-invalid"),
        ({"PUBLIC_URL": "line.example.com"}, "public-url-invalid"),
        ({"PUBLIC_URL": "https://line.example.com/here"}, "public-url-invalid"),
        ({"PUBLIC_URL": "https://line.example.com/?a"}, "public-url-invalid"),
        ({"PUBLIC_URL": "https://me@line.example.com"}, "public-url-invalid"),
        ({"PUBLIC_URL": "https://line.example.com:x"}, "public-url-invalid"),
        ({"MYSQL_HOST": "db"}, "mysql-incomplete"),
        ({"MYSQL_USER": "line"}, "mysql-incomplete"),
        ({"MYSQL_HOST": "d b", "MYSQL_USER": "u", "MYSQL_DATABASE": "d"}, "mysql-host-invalid"),
        ({"REDIS_HOST": "http://cache"}, "redis-host-invalid"),
        ({"TOKEN_KEY": "too short"}, "token-key-short"),
        ({"TWILIO_ACCOUNT_SID": "AC0123"}, "twilio-incomplete"),
        ({"TWILIO_AUTH_TOKEN": "x"}, "twilio-incomplete"),
        ({**TWILIO, "TWILIO_ACCOUNT_SID": "SK0123"}, "twilio-account-sid-invalid"),
        ({"TWILIO_API_URL": "localhost:1"}, "twilio-api-url-invalid"),
        ({"TELEGRAM_BOT_TOKEN": "token"}, "telegram-bot-token-invalid"),
        ({"TELEGRAM_WEBHOOK_SECRET": "with space"}, "telegram-webhook-secret-invalid"),
        ({"TELEGRAM_BOT_NAME": "the bot"}, "telegram-bot-name-invalid"),
        ({"SMS_KEYWORDS": "ours"}, "sms-keywords-unknown"),
        ({"SIGN_UP": "closed"}, "sign-up-unknown"),
        ({"SMTP_HOST": "mail", "SMTP_USER": "line"}, "smtp-login-incomplete"),
        ({"SMTP_HOST": "line@mail.example.com"}, "smtp-host-invalid"),
        ({"SMTP_USER": "line", "SMTP_PASSWORD": "x"}, "smtp-incomplete"),
        ({"SMTP_PORT": "smtp"}, "smtp-port-invalid"),
        ({"MAIL_FROM": "The Line <line@example.com>"}, "mail-from-invalid"),
        ({"TEXT_COUNTRIES": "BR,USA"}, "text-countries-invalid"),
    ],
)
def test_what_can_not_be_used_is_found(tmp_path: Path, environment: dict[str, str], finding: str) -> None:
    assert findings(tmp_path, **environment) == [finding]


def test_everything_that_is_wrong_is_found_at_once(tmp_path: Path) -> None:
    assert findings(tmp_path, PORT="x", SIGN_UP="x", TOKEN_KEY="x") == [
        "port-invalid",
        "token-key-short",
        "sign-up-unknown",
    ]


def test_a_finding_does_not_repeat_a_password(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, REDIS_HOST=":hidden@cache", PUBLIC_URL="https://me:hidden@example.com", TOKEN_KEY="hidden")

    assert "hidden" not in str(raised.value)


def test_data_that_can_not_be_kept_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert findings(tmp_path / "file") == ["data-dir-unusable"]


def test_a_secret_that_can_not_be_read_is_found_beside_what_else_is_wrong(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "secrets/contact_key").unlink()
    (tmp_path / "secrets/contact_key").mkdir()

    assert findings(tmp_path, PORT="x") == ["port-invalid", "secrets-unusable"]


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert read(tmp_path, PORT="", TWILIO_AUTH_TOKEN="", MYSQL_HOST=" ").port == 8000


def test_where_no_disk_keeps_anything_nothing_is_made(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"

    settings = Settings.from_parameters(PARAMETERS | {"DATA_DIR": str(data_dir)})

    assert (settings.token_key, settings.twilio.connected) == (PARAMETERS["TOKEN_KEY"], True)
    assert not data_dir.exists()


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_parameters({**PARAMETERS, "TOKEN_KEY": " ", "PORT": "x"} | {"MYSQL_HOST": ""})

    assert [finding.sentence for finding in raised.value.findings] == [
        "MYSQL_HOST is not set.",
        "TOKEN_KEY is not set.",
    ]


def test_what_cannot_be_used_is_found_among_parameters_too() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_parameters(PARAMETERS | {"TOKEN_KEY": "short"})

    assert [finding.id for finding in raised.value.findings] == ["token-key-short"]
