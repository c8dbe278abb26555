"""What `make run` prints for the person who typed it."""

from core.settings import Settings
from local.application import Parts
from local.demo import EMAIL, JOIN_CODE, NUMBER, demo_account_exists


def greeting(parts: Parts, new_password: str | None) -> str:
    """Where everything is, and how to log in; `new_password` is the demo account's, if it was made up just now."""
    settings = parts.settings
    here = f"http://localhost:{settings.port}"
    lines = ["", "Queue Manager is running. Ctrl-C stops it.", "", f"  Backoffice  {here}/"]
    if demo_account_exists(parts):
        lines.append(f"              {EMAIL}, {_password(parts, new_password)}")
    demo = _demo_queue_exists(parts)
    if settings.twilio.simulated or settings.telegram.simulated:
        lines.append(f"  Simulator   {here}/simulator")
        ways = [f"text JOIN to {NUMBER}"] if settings.twilio.simulated else []
        ways += [f"write {JOIN_CODE} to the bot"] if settings.telegram.simulated else []
        lines += [f"              {', or '.join(ways)}"] if demo else []
    if not settings.simulator:
        lines.append("  Simulator   off, because PUBLIC_URL is not of this machine alone")
        lines += [f"  Missing     {missing}" for missing in _missing(settings)]
    lines += [f"  Join page   {here}/q/{JOIN_CODE}"] if demo else []
    if settings.public_url != here:
        lines.append(f"  Public      {settings.public_url}/")
    return "\n".join([*lines, f"  Data        {settings.data_dir}", ""])


def _demo_queue_exists(parts: Parts) -> bool:
    with parts.records.reading() as tx:
        return tx.queues.by_join_code(JOIN_CODE) is not None


def _missing(settings: Settings) -> list[str]:
    """What neither its settings nor the simulator make work."""
    missing = []
    if not settings.twilio.connected:
        missing.append("SMS and WhatsApp: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set")
    if not settings.telegram.connected:
        missing.append("Telegram: TELEGRAM_BOT_TOKEN is not set")
    if settings.mail_server is None:
        missing.append("Mail: SMTP_HOST is not set, so nobody can register or choose a new password")
    return missing


def _password(parts: Parts, new_password: str | None) -> str:
    if new_password is not None:
        return f"password {new_password} (shown this once)"
    if parts.settings.demo_password is not None:
        return "password as in DEMO_PASSWORD"
    if parts.settings.simulator and parts.settings.mail_server is None:
        return "password as at the first start; a new one comes by mail into the simulator"
    return "password as at the first start"
