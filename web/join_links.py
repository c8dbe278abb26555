"""How a guest joins a queue from a phone: the links on the join page and behind its QR codes."""

from urllib.parse import quote

from core.settings import Settings
from core.storage.queues import QueueAtVenue
from web.services import JoinLinks


def join_links(settings: Settings, bot_name: str | None, place: QueueAtVenue) -> JoinLinks:
    """The ways into this queue; `bot_name` is the Telegram bot's user name, None where it is not known.

    A carrier that is not connected is no way in. Simulated carriers are joined in the simulator, which can be opened
    on this machine only.
    """
    code = place.queue.join_code
    simulator = f"{settings.public_url}/simulator"
    telegram_url = f"https://t.me/{bot_name}?start={code}" if bot_name and settings.telegram.connected else None
    if settings.telegram.simulated:
        telegram_url = simulator
    number = place.phone_number
    if number is None or not (settings.twilio.connected or settings.twilio.simulated):
        return JoinLinks(sms_number=None, sms_text=None, sms_url=None, telegram_url=telegram_url)
    text = f"JOIN {code}"
    # RFC 5724, in the form that both kinds of phone understand.
    sms_url = f"sms:{number}?&body={quote(text)}"
    whatsapp_url = f"https://wa.me/{number.removeprefix('+')}?text={quote(text)}"
    if settings.twilio.simulated:
        sms_url = whatsapp_url = simulator
    return JoinLinks(
        sms_number=number,
        sms_text=text,
        sms_url=sms_url,
        telegram_url=telegram_url,
        whatsapp_url=whatsapp_url if settings.twilio.whatsapp else None,
    )
