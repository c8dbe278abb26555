"""Makes an account for staff of a stage whose sign-up is by invitation: python -m infra.add_account STAGE EMAIL"""

import secrets
from typing import Any

from bots.email.sender import no_mail
from core.accounts import AccountService
from core.clock import system_clock
from core.errors import EmailTaken, InvalidValue, OutcomeUnknown, RecordUnavailable
from core.storage.dynamodb_accounts import DynamoAccountStore
from infra.stage import Impossible, arguments_of, deployed, sentences, session


def add_account(aws: Any, stage: str, email: str) -> str:
    """Make it with a password of our own, and answer that: the tables keep its hash only. Raises Impossible."""
    given = deployed(aws, stage)
    store = DynamoAccountStore(given["Customer"], given["PreCustomer"], system_clock, aws.resource("dynamodb"))
    password = secrets.token_urlsafe(12)
    try:
        AccountService(store, no_mail, "").add(email, password)
    except InvalidValue as error:
        raise Impossible(f"{email} is not an e-mail address.") from error
    except EmailTaken as error:
        raise Impossible(f"{email} has an account already.") from error
    except RecordUnavailable as error:
        raise Impossible(f"No account was made. AWS: {error.__cause__}") from error
    except OutcomeUnknown as error:
        unknown = f"{email} may have an account now: do it again, and see. AWS: {error.__cause__}"
        raise Impossible(unknown) from error
    return password


def main() -> None:
    """The command."""
    arguments = arguments_of("add_account", "Make an account for staff.", ("email", {"metavar": "EMAIL"}))
    with sentences():
        password = add_account(session(), arguments.stage, arguments.email)
        print(f"{arguments.email} can log in with the password {password} (shown this once).")


if __name__ == "__main__":
    main()
