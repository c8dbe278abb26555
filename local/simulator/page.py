"""The page /simulator, and the JSON that it polls and posts."""

import secrets
from typing import Annotated, Literal, TypeVar

import phonenumbers
from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from local.simulator.bot_methods import OWN_CHATS, BotMethods
from local.simulator.network import Busy
from local.simulator.settings import SimulatorSettings
from local.simulator.sms_carrier import SmsCarrier
from local.simulator.state import SWITCHES, Full, Gone, Impossible, State
from local.simulator.telegram_carrier import TelegramCarrier

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Number = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+[1-9][0-9]{6,14}$")]


def _of_a_country(number: str) -> str:
    try:
        phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise ValueError("no country has numbers that begin so") from error
    return number


class NewPhone(BaseModel):
    channel: Literal["sms", "whatsapp"]
    name: Line
    address: Annotated[Number, AfterValidator(_of_a_country)]


class NewChat(BaseModel):
    channel: Literal["telegram"]
    name: Line
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")] = "en"


class NewConversation(BaseModel):
    conversation: NewPhone | NewChat = Field(discriminator="channel")


class Typed(BaseModel):
    text: Annotated[str, StringConstraints(min_length=1, max_length=5000, pattern=r"\S")]
    to: Number | None = None


class Press(BaseModel):
    message_id: int
    data: str


class Switch(BaseModel):
    name: str
    on: bool


Body = TypeVar("Body", bound=BaseModel)


class Refused(Exception):
    """An answer to the page: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def register_page(
    blueprint: Blueprint,
    settings: SimulatorSettings,
    state: State,
    methods: BotMethods,
    sms: SmsCarrier,
    telegram: TelegramCarrier,
) -> None:
    """Adds the page and its JSON routes to the simulator's blueprint."""
    _answer_errors(blueprint)
    _add_views(blueprint, settings, state, methods)
    _add_conversations(blueprint, settings, state)
    _add_actions(blueprint, state, sms, telegram)


def _answer_errors(blueprint: Blueprint) -> None:
    @blueprint.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return jsonify(error=str(error)), error.status

    @blueprint.errorhandler(Impossible)
    def impossible(error: Impossible) -> ResponseReturnValue:
        return jsonify(error=str(error)), 409

    @blueprint.errorhandler(Gone)
    def gone(_error: Gone) -> ResponseReturnValue:
        return jsonify(error="This phone is not on the page any more."), 404

    @blueprint.errorhandler(Busy)
    def busy(_error: Busy) -> ResponseReturnValue:
        return jsonify(error="Too many messages are under way."), 503


def _add_views(blueprint: Blueprint, settings: SimulatorSettings, state: State, methods: BotMethods) -> None:
    @blueprint.get("/", strict_slashes=False)
    def page() -> str:
        return render_template("simulator/page.html", settings=settings)

    @blueprint.get("/state")
    def changes() -> ResponseReturnValue:
        """What changed since the version that the page knows; 204 when nothing did."""
        since = request.args.get("since", 0, type=int) if request.args.get("run") == state.run else 0
        snapshot = state.snapshot(since)
        return ("", 204) if snapshot is None else jsonify(snapshot)

    @blueprint.get("/places")
    def places() -> ResponseReturnValue:
        """The numbers and codes that there are now, and the bot's menus by language."""
        menus = {
            language: [command.model_dump() for command in commands] for language, commands in methods.commands.items()
        }
        return jsonify(
            numbers=[{"venue": venue, "number": number} for venue, number in settings.numbers()],
            codes=[{"queue": queue, "code": code} for queue, code in settings.codes()],
            menus=menus,
        )


def _add_conversations(blueprint: Blueprint, settings: SimulatorSettings, state: State) -> None:
    @blueprint.post("/conversations")
    def add() -> ResponseReturnValue:
        new = _read(NewConversation, wrapped="conversation").conversation
        simulated = settings.telegram if new.channel == "telegram" else settings.sms
        if not simulated:
            raise Refused(409, "This carrier is a real one here; the simulator leaves it alone.")
        try:
            if isinstance(new, NewPhone):
                added = state.add_conversation(new.channel, new.address, new.name)
            else:
                chat_id = str(OWN_CHATS.start + secrets.randbelow(len(OWN_CHATS)))
                added = state.add_conversation("telegram", chat_id, new.name, new.language)
        except Full:
            raise Refused(409, "There is no room for another one: remove one first.") from None
        return jsonify(id=added), 201

    @blueprint.delete("/conversations/<conversation_id>")
    def remove(conversation_id: str) -> ResponseReturnValue:
        state.remove_conversation(conversation_id)
        return "", 204


def _add_actions(blueprint: Blueprint, state: State, sms: SmsCarrier, telegram: TelegramCarrier) -> None:
    @blueprint.post("/conversations/<conversation_id>/messages")
    def write(conversation_id: str) -> ResponseReturnValue:
        typed = _read(Typed)
        if state.conversation(conversation_id).channel == "telegram":
            telegram.text(conversation_id, typed.text.strip())
        elif typed.to is None:
            raise Refused(422, "to: a text needs the number that it goes to.")
        else:
            sms.text(conversation_id, typed.text, typed.to)
        return "", 202

    @blueprint.post("/conversations/<conversation_id>/presses")
    def press(conversation_id: str) -> ResponseReturnValue:
        pressed = _read(Press)
        telegram.press(conversation_id, pressed.message_id, pressed.data)
        return "", 202

    @blueprint.post("/conversations/<conversation_id>/switches")
    def turn(conversation_id: str) -> ResponseReturnValue:
        switch = _read(Switch)
        conversation = state.conversation(conversation_id)
        if switch.name not in SWITCHES[conversation.channel]:
            raise Refused(422, f"There is no switch {switch.name!r} here.")
        turned = state.switched(conversation_id, switch.name) != switch.on
        state.turn(conversation_id, switch.name, switch.on)
        if turned and switch.name == "blocked" and conversation.channel == "telegram":
            telegram.block(conversation_id, switch.on)
        return "", 204


def _read(model: type[Body], wrapped: str | None = None) -> Body:
    """The request's JSON. A form of another site could post anything but this content type unasked."""
    if not request.is_json:
        abort(415)
    given = request.get_json(silent=True)
    try:
        return model.model_validate({wrapped: given} if wrapped else given)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"] if part != wrapped)
        raise Refused(422, f"{where or 'body'}: {fault['msg']}.") from error
