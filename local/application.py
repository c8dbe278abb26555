"""Where the one-machine edition is put together: from its settings to the server's application and the worker."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from flask import Blueprint, Flask
from limits.storage import MemoryStorage, RedisStorage
from werkzeug.middleware.proxy_fix import ProxyFix

from bots.channels import Sender
from bots.conversation import Conversation
from bots.delivery import Delivery
from bots.email.sender import no_mail
from bots.message_limit import MessageLimit
from bots.notifier import Notifier
from bots.reports import Reports
from bots.sms.webhook import SmsWebhook
from bots.telegram.webhook import TelegramWebhook
from bots.words import RESERVED_CODES
from core.accounts import AccountService
from core.clock import system_clock
from core.contacts import ContactBook
from core.notices import NoticeService
from core.queues import QueueService
from core.settings import TELEGRAM_API_URL, Settings
from core.storage.account_store import SqlAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from core.storage.redis_server import WakeWorker, answers, open_redis
from core.storage.view import Positions, PositionView, ViewUpdate
from core.sweeps import Sweeper
from core.venues import VenueService
from core.walk_ins import WalkIns
from local.addresses import base_url, simulator_url
from local.mails import mail_sender
from local.not_connected import NotConnected
from local.simulator import SimulatorSettings, State, create_simulator, switched_off
from local.valkey import embedded_url
from local.webhooks import create_webhooks
from local.worker_beat import WorkerBeat
from web.access_log import AccessLog
from web.application import create_app
from web.health import look_at
from web.join_links import join_links
from web.services import Services

SIMULATED_BOT = "QueueManagerBot"
# More than a person can choose from on the simulator's page.
MOST_PLACES = 100


class Parts:
    """What the server, the worker and the commands have in common; connects at the first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis_url = settings.redis_url or embedded_url(settings.data_dir)
        self.redis = open_redis(self.redis_url)
        self.view = PositionView(self.redis)
        self.engine = open_engine(settings.database_url)
        self.records = Records(self.engine, system_clock, [ViewUpdate(self.view), WakeWorker(self.redis)])
        self.queues = QueueService()
        self.contacts = ContactBook(settings.contact_key)
        self.notices = NoticeService(self.records, settings.texts_an_hour)
        self.sweeper = Sweeper(self.records, self.queues, self.contacts)
        self.positions = Positions(self.records, self.view)
        self.venues = VenueService(self.queues, RESERVED_CODES)
        self.simulated = State(system_clock)
        send_mail = mail_sender(settings, self.simulated)
        self.accounts = AccountService(
            SqlAccountStore(self.records),
            send_mail or no_mail,
            settings.public_url,
            # Who registers has to get a mail.
            open_sign_up=settings.open_sign_up and send_mail is not None,
        )
        self.beat = WorkerBeat(settings.data_dir)

    def close(self) -> None:
        """Let go of the database and of Redis."""
        self.engine.dispose()
        self.redis.close()


def create_application(parts: Parts, bot_name: str | None) -> Flask:
    """The pages, the API, the carriers' webhooks and, for what is not connected, the simulator.

    `bot_name` is the Telegram bot's user name, where it is known.
    """
    settings = parts.settings
    app = create_app(_services(parts, bot_name))
    app.register_blueprint(_webhooks(parts))
    if not settings.simulator:
        app.register_blueprint(switched_off(settings.public_url))
    elif settings.twilio.simulated or settings.telegram.simulated or settings.mail_server is None:
        app.register_blueprint(create_simulator(_simulator_settings(parts), parts.simulated))
    app.wsgi_app = AccessLog(app)  # type: ignore[method-assign]
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    return app


def _services(parts: Parts, bot_name: str | None) -> Services:
    settings = parts.settings
    walk_ins = WalkIns(
        parts.queues,
        parts.venues,
        parts.contacts,
        countries=settings.text_countries,
        texts_an_hour=settings.texts_an_hour,
    )
    return Services(
        records=parts.records,
        queues=parts.queues,
        venues=parts.venues,
        accounts=parts.accounts,
        walk_ins=walk_ins,
        positions=parts.positions,
        contacts=parts.contacts,
        public_url=settings.public_url,
        token_key=settings.token_key,
        join_links=partial(join_links, settings, bot_name),
        health=partial(look_at, parts.records, partial(answers, parts.redis), parts.beat.age),
        rate_limits=RedisStorage(parts.redis_url, wrap_exceptions=True, connection_pool=parts.redis.connection_pool),
    )


def _webhooks(parts: Parts) -> Blueprint:
    settings = parts.settings
    conversation = Conversation(
        parts.records,
        parts.queues,
        parts.contacts,
        parts.positions,
        settings.public_url,
        limit=MessageLimit(MemoryStorage()),  # one server process: no round trip for it
    )
    reports = Reports(parts.records, parts.contacts, parts.notices)
    sms = SmsWebhook(
        settings.twilio.auth_token,
        settings.public_url,
        conversation.answer,
        delivery=reports.delivery,
        keywords="carrier" if settings.twilio.carrier_answers else "own",
    )
    telegram = TelegramWebhook(settings.telegram.webhook_secret, conversation.answer, blocked=reports.telegram_blocked)
    return create_webhooks(sms, telegram)


def _simulator_settings(parts: Parts) -> SimulatorSettings:
    settings = parts.settings
    return SimulatorSettings(
        public_url=settings.public_url,
        base_url=base_url(settings),
        twilio_account_sid=settings.twilio.account_sid,
        twilio_auth_token=settings.twilio.auth_token,
        telegram_bot_token=settings.telegram.bot_token,
        telegram_webhook_secret=settings.telegram.webhook_secret,
        telegram_bot_name=settings.telegram.bot_name or SIMULATED_BOT,
        numbers=partial(numbers_of, parts.records),
        codes=partial(codes_of, parts.records),
        sms=settings.twilio.simulated,
        telegram=settings.telegram.simulated,
        mail=settings.mail_server is None,
        carrier_keywords=settings.twilio.carrier_answers,
    )


def numbers_of(records: Records) -> Sequence[tuple[str, str]]:
    """The numbers, each once, with the names of the venues that have it."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    with records.reading() as tx:
        for number, venue in tx.venues.numbers():
            names[number].append(venue)
    return [(" / ".join(venues), number) for number, venues in names.items()]


def codes_of(records: Records) -> Sequence[tuple[str, str]]:
    """The queues' names, with their join codes."""
    with records.reading() as tx:
        return [(place.queue.name, place.queue.join_code) for place in tx.queues.all_at_venues(MOST_PLACES)]


def create_notifiers(parts: Parts) -> list[Notifier]:
    """What sends notices: one for each carrier, so that one that is slow keeps nobody waiting at the other."""
    # Heavy, and needed by the worker only.
    from bots.sms.sender import TwilioSender
    from bots.telegram.sender import TelegramSender

    settings, simulator = parts.settings, simulator_url(parts.settings)
    twilio, telegram = settings.twilio, settings.telegram
    texts: Sender = NotConnected("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
    if twilio.connected or twilio.simulated:
        texts = TwilioSender(
            twilio.account_sid,
            twilio.auth_token,
            settings.public_url,
            api_url=twilio.api_url or (f"{simulator}/twilio" if twilio.simulated else None),
        )
    bot: Sender = NotConnected("TELEGRAM_BOT_TOKEN")
    if telegram.connected or telegram.simulated:
        bot = TelegramSender(
            telegram.bot_token,
            api_url=telegram.api_url or (f"{simulator}/telegram" if telegram.simulated else TELEGRAM_API_URL),
        )
    carriers: tuple[dict[str, Sender], ...] = ({"sms": texts, "whatsapp": texts}, {"telegram": bot})
    deliveries = [Delivery(parts.notices, senders, settings.public_url, parts.records.clock) for senders in carriers]
    return [Notifier(parts.notices, delivery) for delivery in deliveries]
