"""Puts the simulator together: its state, its carriers, its page and its small APIs, under /simulator."""

from flask import Blueprint

from local.simulator.bot_methods import BotMethods
from local.simulator.guard import PREFIX, only_this_machine, protect
from local.simulator.network import Network
from local.simulator.page import register_page
from local.simulator.settings import SimulatorSettings
from local.simulator.sms_carrier import SmsCarrier
from local.simulator.state import State
from local.simulator.telegram_api import register_telegram_api
from local.simulator.telegram_carrier import TelegramCarrier
from local.simulator.twilio_api import register_twilio_api


def create_simulator(settings: SimulatorSettings, state: State) -> Blueprint:
    """The blueprint to register on the edition's Flask application.

    It answers on loopback only. TWILIO_API_URL is then `<base_url>/simulator/twilio`, TELEGRAM_API_URL
    `<base_url>/simulator/telegram`; mails are put into `state`, which lives and dies with this process. A thread
    starts with the first message.
    """
    blueprint = Blueprint(
        "simulator",
        __name__,
        url_prefix=PREFIX,
        static_folder="static",
        static_url_path="/static",
        template_folder="templates",
    )
    network = Network(settings)
    methods = BotMethods(settings, state)
    sms = SmsCarrier(settings, state, network)
    telegram = TelegramCarrier(state, network, methods)

    # For the whole application: a wrong method is answered before a blueprint is asked, and gives it away.
    blueprint.before_app_request(only_this_machine)
    blueprint.after_request(protect)
    if settings.sms:
        register_twilio_api(blueprint, settings, state, sms)
    if settings.telegram:
        register_telegram_api(blueprint, settings, methods)
    register_page(blueprint, settings, state, methods, sms, telegram)
    _put_first_phones(settings, state)
    return blueprint


def _put_first_phones(settings: SimulatorSettings, state: State) -> None:
    if settings.sms:
        state.add_conversation("sms", "+15550100101", "Ana’s phone")
        state.add_conversation("sms", "+15550100102", "Ben’s phone")
        state.add_conversation("whatsapp", "+15550100103", "Carla")
    if settings.telegram:
        state.add_conversation("telegram", "7001000101", "Ana", "en")
        state.add_conversation("telegram", "7001000102", "João", "pt-br")
