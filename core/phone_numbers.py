"""Phone numbers in E.164, and the country that each belongs to.

The libraries' tables are heavy, and few requests have a number to read: they are loaded by what reads one.
"""

from core.errors import InvalidValue

# No area has the code 555 in North America: the simulator's phones and the demo venue live there.
FICTIONAL = "+1555"


def phone_number(text: str, country: str | None, field: str) -> str:
    """The number in E.164, such as +5511987654321. One without + is taken as dialled in `country` (ISO 3166).

    The fictional ones of +1 555 count as numbers, though no carrier takes them. Raises InvalidValue, about `field`.
    """
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        format_number,
        is_possible_number,
        is_valid_number,
        parse,
    )

    try:
        number = parse(text, country)
    except NumberParseException as error:
        raise _no_number(text, country, field) from error
    written = format_number(number, PhoneNumberFormat.E164)
    fictional = written.startswith(FICTIONAL) and is_possible_number(number)
    if number.extension or not (fictional or is_valid_number(number)):
        raise _no_number(text, country, field)
    return written


def _no_number(text: str, country: str | None, field: str) -> InvalidValue:
    return InvalidValue(field=field, reason="not-a-phone-number", country=country, given=text)


def country_of_number(number: str) -> str:
    """The country (ISO 3166) of a number in E.164; where several share the code, the largest."""
    from phonenumbers import parse, region_code_for_country_code, region_code_for_number

    parsed = parse(number)
    country = region_code_for_number(parsed) or region_code_for_country_code(parsed.country_code or 0)
    return str(country)


def languages_of_number(number: str) -> tuple[str, ...]:
    """The languages (ISO 639) that the country of a number in E.164 has as its own, the most spoken first."""
    from babel.languages import get_official_languages

    return tuple(get_official_languages(country_of_number(number), de_facto=True))


def country_of_time_zone(time_zone: str) -> str | None:
    """The country (ISO 3166) of a time zone such as Europe/Berlin; None for one of no country, such as UTC."""
    from babel.core import get_global

    country: str | None = get_global("zone_territories").get(time_zone)
    return country if country and len(country) == 2 else None
