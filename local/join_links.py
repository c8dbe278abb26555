"""How a guest joins a queue from a phone: the links on the join page and behind its QR codes."""

from urllib.parse import quote

from core.settings import Settings
from core.storage.queues import QueueAtVenue
from web.services import JoinLinks


def join_links(settings: Settings, bot_name: str | None, place: QueueAtVenue) -> JoinLinks:
    """The ways into this queue; `bot_name` is the Telegram bot's user name, None where it is not known.

    Simulated carriers are joined in the simulator, which can be opened on this machine only.
    """
    code = place.queue.join_code
    text = f"JOIN {code}"
    number = place.phone_number
    simulator = f"{settings.public_url}/simulator"
    # RFC 5724, in the form that both kinds of phone understand.
    sms_url = simulator if settings.twilio.simulated else f"sms:{number}?&body={quote(text)}"
    telegram_url = f"https://t.me/{bot_name}?start={code}" if bot_name else None
    return JoinLinks(
        sms_number=number,
        sms_text=text if number else None,
        sms_url=sms_url if number else None,
        telegram_url=simulator if settings.telegram.simulated else telegram_url,
    )
