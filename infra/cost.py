"""Prints what the AWS edition costs a month, as Markdown.

python -m infra.cost > docs/cost.md                                        four scenarios, assumptions, prices
python -m infra.cost --venues 3 --guests 200 --nights 22 --channel sms     one of your own
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from infra.cost_model import MILLION, Line, bill, load, stack, texts, total
from infra.prices import AWS, READ_ON, REGION, TEXTS, Price
from infra.scenarios import CHANNELS, DATABASES, NATS, SCENARIOS, Assumptions, Scenario

ASSUMED = Assumptions()
UNCHECKED = "from memory, check"
COUNTRIES = {"BR": "Brazil", "US": "the United States"}
NAMES = {"sms": "SMS", "whatsapp": "WhatsApp", "telegram": "Telegram"}
# A line below it is not worth an owner's reading.
SMALLEST = 0.01
CHOICES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a second database, ready to take over (Multi-AZ)", {"multi_az": True}),
    ("a NAT gateway instead of the instance", {"nat": "gateway"}),
    ("the next larger database", {"database": "db.t4g.small"}),
    ("a firewall (WAF)", {"waf": True}),
    ("RDS Proxy", {"proxy": True}),
    ("tracing (X-Ray)", {"traces": True}),
    ("log search (OpenSearch)", {"log_search": True}),
)


def document() -> str:
    """The text of docs/cost.md."""
    parts = [
        _introduction(),
        *(_section(scenario) for scenario in SCENARIOS),
        _choices(SCENARIOS[1]),
        _channels(),
        _own_numbers(),
        _assumptions(),
        _prices(),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction() -> str:
    rows = []
    for scenario in SCENARIOS:
        aws, carriers = total(bill(scenario, ASSUMED)), total(texts(scenario, ASSUMED))
        guests = load(scenario, ASSUMED).guests
        rows.append((scenario.name, f"{guests:,.0f}", _usd(aws), _usd(carriers), f"{(aws + carriers) / guests:.3f}"))
    table = _table(("scenario", "guests a month", "AWS", "texts", "together, for each guest"), "lrrrr", rows)
    empty = bill(replace(SCENARIOS[0], guests=0, boards=0), ASSUMED)
    largest = bill(SCENARIOS[-1], ASSUMED)
    requests = total([line for line in largest if line.area == "Requests"])
    return f"""# What the AWS edition costs

US dollars a month, in {REGION} (São Paulo), before tax and discounts. `.venv/bin/python -m infra.cost > docs/cost.md`
writes this page, from the templates in `infra/` and from the assumptions and prices at its end. Cents are shown so that
sums can be followed, not because anybody knows them.

{table}

- **The stack is paid for while it waits**: {_usd(total(empty))} a month before the first guest comes.
- **Texts cost more than AWS** wherever guests are told things by SMS or WhatsApp. Telegram is free.
- **Open pages make nearly all of the requests**, as each asks every {ASSUMED.poll_pause:g} seconds whether there is
  anything new. At many venues requests are what AWS is paid for: {requests / total(largest):.0%} in the last scenario.

† marks a price that is “{UNCHECKED}”: it could not be read when the others were."""


def _section(scenario: Scenario) -> str:
    aws, carriers = bill(scenario, ASSUMED), texts(scenario, ASSUMED)
    rows = [_row(area, list(lines)) for area, lines in groupby(aws, attrgetter("area"))]
    rows += [("**AWS**", f"**{_usd(total(aws))}**", ""), _row("Texts", carriers)]
    rows.append(("**Together**", f"**{_usd(total(aws) + total(carriers))}**", ""))
    return f"""## {scenario.name}

{_described(scenario)}

{_table(("for", "USD", "of which"), "lrl", rows)}

{_conclusions(scenario, aws, carriers)}"""


def _described(scenario: Scenario) -> str:
    weighed = sorted(CHANNELS, key=scenario.share, reverse=True)
    shares = ", ".join(f"{scenario.share(name):.0%} {NAMES[name]}" for name in weighed if scenario.share(name))
    options = {
        "Multi-AZ": scenario.multi_az,
        "WAF": scenario.waf,
        "RDS Proxy": scenario.proxy,
        "tracing": scenario.traces,
        "log search": scenario.log_search,
    }
    chosen = [scenario.database, *(name for name, on in options.items() if on), f"NAT {scenario.nat}"]
    return (
        f"{_count(scenario.venues, 'venue')}, {_count(scenario.guests, 'guest')} on each of "
        f"{_count(scenario.nights, 'night')} of {scenario.hours:g} hours, {_count(scenario.boards, 'staff page')} and "
        f"{_count(scenario.screens, 'screen')} open at each.\n"
        f"Guests in {COUNTRIES[scenario.country]}: {shares}. The stack: {', '.join(chosen)}."
    )


def _conclusions(scenario: Scenario, aws: Sequence[Line], carriers: Sequence[Line]) -> str:
    all_aws, all_texts = total(aws), total(carriers)
    areas = {area: total(list(lines)) for area, lines in groupby(aws, attrgetter("area"))}
    first, second = sorted(areas, key=areas.__getitem__, reverse=True)[:2]
    unchecked = total([line for line in (*aws, *carriers) if line.price.listed is None])
    does = load(scenario, ASSUMED)
    where = f"{first.lower()} ({areas[first] / all_aws:.0%}) and {second.lower()} ({areas[second] / all_aws:.0%})"
    asking, most = does.polls / does.requests, stack().requests_a_second
    said = [
        f"At AWS, {where} dominate.",
        f"Texts cost {all_texts / all_aws:.1f} times as much as AWS." if all_texts else "Texts cost nothing.",
        f"{does.requests / MILLION:,.2f} million requests, {asking:.0%} of them from open pages that ask.",
        f"{does.busiest:,.1f} requests in the busiest second, of {most} that the API lets in.",
        f"{_usd(unchecked)} of the sum rests on prices marked †: {UNCHECKED}.",
    ]
    return "\n".join(f"- {sentence}" for sentence in said)


def _choices(scenario: Scenario) -> str:
    before = total(bill(scenario, ASSUMED))
    rows = [(what, f"+{total(bill(replace(scenario, **change), ASSUMED)) - before:,.2f}") for what, change in CHOICES]
    return f"""## What a choice adds

For one venue as above, each alone:

{_table(("choice", "USD"), "lr", rows)}"""


def _channels() -> str:
    rows = []
    for channel in CHANNELS:
        costs = []
        for country in COUNTRIES:
            scenario = Scenario("", channels={channel: 1}, country=country)
            lines = [line for line in texts(scenario, ASSUMED) if line.price.unit != "month"]
            mark = "†" if any(line.usd and line.price.listed is None for line in lines) else ""
            costs.append(f"{total(lines) / load(scenario, ASSUMED).guests:.3f}{mark}")
        rows.append((NAMES[channel], *costs))
    return f"""## What texts to a guest cost

{_table(("USD for each guest", *COUNTRIES.values()), "lrr", rows)}

Telegram costs nothing. WhatsApp costs Twilio's fee for each message either way, and since October 2026 Meta's for each
message to the guest, within 24 hours of the guest's last as well. A number that guests in Brazil can answer by SMS may
have to be a short code: ask Twilio; its rent is not in here."""


def _own_numbers() -> str:
    return """## Your own numbers

```sh
.venv/bin/python -m infra.cost --venues 3 --guests 200 --nights 22 --channel sms
.venv/bin/python -m infra.cost --guests 80 --channel whatsapp=60 telegram=40 --database db.t4g.small --multi-az
```

What is not said is as for one venue above; `--help` lists everything. Not in here: tax, support, a domain, mail,
processor time of the small instances beyond their share, and what attackers ask for."""


def _assumptions() -> str:
    rows = [(f"{getattr(ASSUMED, each.name):g}", each.metadata["meaning"]) for each in fields(ASSUMED)]
    return f"""## What is assumed

None of these was measured at a real door yet. They stand in `infra/scenarios.py`: change one there, and print this page
again. Besides: all requests pass CloudFront and API Gateway, nothing else in the account uses up what is free, nobody
calls the API but our own pages, and every price is that of the first tier.

{_table(("value", "of"), "rl", rows)}"""


def _prices() -> str:
    rows = [_price(name, price) for name, price in AWS.items()]
    for country, prices in TEXTS.items():
        rows += [_price(f"{name}, {COUNTRIES[country]}", price) for name, price in prices.items()]
    return f"""## Prices

Read on {READ_ON}, in publications that quote the provider's list. The link is to the list, and the day is the list's or
the publication's. Free is what costs nothing each month, for good; what AWS gives to new customers is left out.

{_table(("what", "USD", "for one", "free", "list of"), "lrlrl", rows)}"""


def _price(name: str, price: Price) -> tuple[str, ...]:
    free = f"{price.free:,g}" if price.free else ""
    listed = str(price.listed) if price.listed else f"**{UNCHECKED}**"
    return name, f"{price.usd:.10f}".rstrip("0").rstrip("."), price.unit, free, f"[{listed}]({price.source})"


def _row(area: str, lines: Sequence[Line]) -> tuple[str, str, str]:
    shown = sorted((line for line in lines if line.usd >= SMALLEST), key=attrgetter("usd"), reverse=True)
    return area, _usd(total(lines)), ", ".join(f"{line.name} {_usd(line.usd)}{_mark(line)}" for line in shown)


def _mark(line: Line) -> str:
    return "†" if line.price.listed is None else ""


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _table(heads: Sequence[str], align: str, rows: Sequence[Sequence[str]]) -> str:
    ruler = ["---:" if each == "r" else "---" for each in align]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ruler, *rows))


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return whole


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours <= 24:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours between 0 and 24")
    return hours


def _weight(text: str) -> tuple[str, float]:
    channel, _, weight = text.partition("=")
    if channel not in CHANNELS or not (weight or "1").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(CHANNELS)}, with a weight such as =60")
    return channel, float(weight or 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.cost",
        description="Print what the AWS edition costs a month.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--venues", type=_whole(1))
    parser.add_argument("--guests", type=_whole(1), help="at each venue, on each night")
    parser.add_argument("--nights", type=_whole(1), help="a month")
    parser.add_argument("--hours", type=_hours, help="a night")
    parser.add_argument("--boards", type=_whole(0), help="staff pages that are open at each venue")
    parser.add_argument("--screens", type=_whole(0), help="displays at each venue")
    parser.add_argument("--channel", type=_weight, nargs="+", help=f"some of {', '.join(CHANNELS)}, as in sms=60")
    parser.add_argument("--country", choices=COUNTRIES, help="where the guests' phones are from")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--nat", choices=NATS)
    for option in ("--multi-az", "--waf", "--proxy", "--traces", "--log-search"):
        parser.add_argument(option, action="store_true")
    return parser


def answer(arguments: Sequence[str]) -> str:
    """What the command prints for these arguments. Leaves as argparse does where one of them is wrong."""
    parser = _parser()
    said = vars(parser.parse_args(arguments))
    if not said:
        return document()
    if "channel" in said:
        said["channels"] = dict(said.pop("channel"))
        if not any(said["channels"].values()):
            parser.error("argument --channel: one of the weights has to be above 0")
    return _section(Scenario("Yours", **said)) + "\n"


def main() -> None:
    """The command."""
    print(answer(sys.argv[1:]), end="")


if __name__ == "__main__":
    main()
