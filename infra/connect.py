"""Tells the carriers where a stage is: python -m infra.connect STAGE [NUMBER …]

Telegram's bot gets its webhook, with its secret, and its menus. On Twilio each number named is pointed at us; where
none is, what to enter in Twilio's console is printed.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence

from bots.channels import CannotConnect
from bots.sms.connect import connect_twilio, webhook_of
from bots.telegram.connect import connect_telegram
from core.environment import SettingsError
from core.settings import Settings
from core.storage.parameters import parameters
from infra.stage import arguments_of, deployed, sentences, session


def connect(settings: Settings, numbers: Sequence[str]) -> Iterator[str]:
    """Connect both carriers; a sentence on each step. Raises CannotConnect."""
    if numbers:
        yield from connect_twilio(settings.public_url, settings.twilio, numbers)
    else:
        yield f"Twilio: enter {webhook_of(settings.public_url)} at each number, for messages and as the fallback."
    yield asyncio.run(connect_telegram(settings.public_url, settings.telegram))


def main() -> None:
    """The command."""
    number = {"nargs": "*", "metavar": "NUMBER", "help": "a number of the Twilio account, as +15551234567"}
    arguments = arguments_of("connect", "Tell the carriers where we are.", ("numbers", number))
    try:
        with sentences():
            aws = session()
            deployed(aws, arguments.stage)
            kept = parameters(f"/queue-manager/{arguments.stage}", aws.client("ssm"))
        for line in connect(Settings.from_parameters(kept), arguments.numbers):
            print(line)
    except (CannotConnect, SettingsError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
