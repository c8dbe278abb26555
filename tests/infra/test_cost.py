"""What the AWS edition costs: the page is the program's, and nothing that costs money is left out of it."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.channels import CHANNELS as REGISTERED
from infra.cost import ASSUMED, COUNTRIES, UNCHECKED, answer, document
from infra.cost_model import (
    CACHE_NODES,
    DISK_GB,
    FREE,
    FUNCTION_GB,
    PAID,
    Line,
    bill,
    load,
    stack,
    texts,
    total,
)
from infra.prices import AWS, TEXTS, Price
from infra.scenarios import CHANNELS, DATABASES, NATS, SCENARIOS, Assumptions, Scenario
from infra.templates import FOLDER, STACKS, expanded, resources

TEMPLATES = sorted(FOLDER.glob("*.yaml"))
EVERYTHING: dict[str, Any] = {"multi_az": True, "waf": True, "proxy": True, "traces": True, "log_search": True}


def properties(name: str, kind: str) -> list[dict[str, Any]]:
    return list(resources(name, kind).values())


def used() -> set[str]:
    """The prices that some scenario is charged by."""
    scenarios = [Scenario("", database=database, nat=nat, **EVERYTHING) for database in DATABASES for nat in NATS]
    return {line.name for scenario in scenarios for line in bill(scenario, ASSUMED)}


def test_the_page_is_what_the_program_prints() -> None:
    written = (FOLDER.parent / "docs" / "cost.md").read_text()

    assert written == document(), "python -m infra.cost > docs/cost.md"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_a_template_makes_is_paid_for_by_prices_of_the_model_or_known_to_be_free(path: Path) -> None:
    types = {resource["Type"] for resource in expanded(path.stem)["Resources"].values()}

    assert types - PAID.keys() - FREE == set(), "give these a price in infra/cost_model.py, or say that they are free"


def test_each_price_of_aws_is_of_some_resource_and_is_charged() -> None:
    assert not PAID.keys() & FREE
    assert {name for names in PAID.values() for name in names} == AWS.keys() == used()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_is_printed_of_a_scenario_adds_up(scenario: Scenario) -> None:
    section = document().partition(f"## {scenario.name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \**([^|*]+?)\** \| \**([\d,.]+)\** \| (.*?) ?\|$", section, re.MULTILINE)
    printed = {area: float(usd.replace(",", "")) for area, usd, _ in rows}
    aws, together = printed.pop("AWS"), printed.pop("Together")

    assert len(printed) > 5
    assert aws == pytest.approx(sum(printed.values()) - printed["Texts"], abs=0.05)
    assert together == pytest.approx(aws + printed["Texts"], abs=0.02)
    for area, usd, lines in rows:
        amounts = [float(amount.replace(",", "")) for amount in re.findall(r" ([\d,]+\.\d\d)†?(?:,|$)", lines)]
        # Lines of less than a cent are not printed.
        assert not lines or float(usd.replace(",", "")) == pytest.approx(sum(amounts), abs=0.05), area


scenarios = st.builds(
    Scenario,
    name=st.just(""),
    venues=st.integers(1, 300),
    guests=st.integers(1, 2000),
    nights=st.integers(1, 31),
    hours=st.floats(0.5, 24),
    boards=st.integers(0, 5),
    screens=st.integers(0, 5),
    channels=st.fixed_dictionaries({name: st.integers(1, 9).map(float) for name in CHANNELS}),
    country=st.sampled_from(sorted(TEXTS)),
    database=st.sampled_from(DATABASES),
    multi_az=st.booleans(),
    nat=st.sampled_from(NATS),
    waf=st.booleans(),
    traces=st.booleans(),
    log_search=st.booleans(),
)


@given(scenarios, st.sampled_from(["guests", "venues", "nights", "hours", "boards", "screens"]))
def test_twice_as_much_of_anything_is_never_cheaper_in_any_line(scenario: Scenario, what: str) -> None:
    twice = replace(scenario, **{what: getattr(scenario, what) * 2})
    before, after = (
        {line.name: line.usd for line in (*bill(s, ASSUMED), *texts(s, ASSUMED))} for s in (scenario, twice)
    )

    assert before.keys() == after.keys()
    assert [name for name in before if after[name] < before[name] * (1 - 1e-9)] == []


def test_an_open_page_asks_every_two_seconds() -> None:
    alone = replace(ASSUMED, page_share=0, other_requests=0, texts_received=0, reports=0)
    does = load(Scenario("", guests=1, nights=1, hours=1, boards=2, screens=1), alone)

    assert (does.staff_polls, does.polls, does.requests) == (3600, 5400, 5400)
    assert does.busiest == 1.5
    [requests] = [line for line in bill(Scenario("", boards=2), alone) if line.name == "requests at API Gateway"]
    assert requests.amount == pytest.approx(22 * 6 * 5400 / 1_000_000)


def test_what_is_free_is_not_charged() -> None:
    price = Price(2.0, "million", "", None, free=3)

    assert [Line("", "", amount, price).usd for amount in (0, 3, 4)] == [0, 0, 2]


def test_a_second_database_costs_as_much_as_the_first() -> None:
    costs = [
        total([line for line in bill(Scenario("", multi_az=both), ASSUMED) if line.area == "Database"])
        for both in (False, True)
    ]

    assert costs[1] == pytest.approx(2 * costs[0])


def test_telegram_costs_nothing_and_the_others_something_in_each_country() -> None:
    assert set(CHANNELS) == set(REGISTERED)
    assert TEXTS.keys() == COUNTRIES.keys()
    for country in TEXTS:
        costs = {name: total(texts(Scenario("", channels={name: 1}, country=country), ASSUMED)) for name in CHANNELS}
        assert costs.pop("telegram") == 0
        assert min(costs.values()) > 0


def test_the_model_has_what_the_templates_say() -> None:
    storage, network = expanded("storage")["Parameters"], expanded("network")["Parameters"]
    [database] = properties("storage", "AWS::RDS::DBInstance")
    [replicas] = properties("storage", "AWS::ElastiCache::ReplicationGroup")
    memory = expanded("application")["Globals"]["Function"]["MemorySize"]

    assert (storage["DatabaseClass"]["AllowedValues"], network["Nat"]["AllowedValues"]) == ([*DATABASES], [*NATS])
    assert (Scenario("").database, Scenario("").nat) == (storage["DatabaseClass"]["Default"], network["Nat"]["Default"])
    assert f"cache node {storage['CacheClass']['Default']}" in AWS
    assert (int(database["AllocatedStorage"]), database["StorageType"]) == (DISK_GB, "gp3")
    assert (replicas["Engine"], replicas["NumCacheClusters"]) == ("valkey", CACHE_NODES)
    assert memory == 1024 * FUNCTION_GB
    for function in properties("application", "AWS::Serverless::Function"):
        assert function.get("MemorySize", memory) == memory
    assert {each["InstanceType"] for each in properties("network", "AWS::EC2::Instance")} == {"t4g.nano"}
    assert {each["BillingMode"] for each in properties("storage", "AWS::DynamoDB::Table")} == {"PAY_PER_REQUEST"}


def test_what_is_free_is_of_the_kind_that_is_free() -> None:
    endpoints = [each for path in TEMPLATES for each in properties(path.stem, "AWS::EC2::VPCEndpoint")]
    parameters = [each for path in TEMPLATES for each in properties(path.stem, "AWS::SSM::Parameter")]

    assert endpoints
    assert {each.get("VpcEndpointType", "Gateway") for each in endpoints} == {"Gateway"}
    assert parameters
    assert {each.get("Tier", "Standard") for each in parameters} == {"Standard"}


def test_the_stack_is_counted_from_the_templates() -> None:
    alarms = sum(len(properties(name, "AWS::CloudWatch::Alarm")) for name in STACKS)
    here = stack()

    [line] = [line for line in bill(Scenario(""), ASSUMED) if line.name == "alarms"]
    assert line.amount == alarms > 20
    # A queue for texts, one for Telegram; what the sweep measures.
    assert here.queues_read >= 2
    assert here.own_metrics >= 2
    assert here.requests_a_second == 500


def test_a_price_has_a_source_and_the_page_marks_what_was_not_read() -> None:
    page = document()

    for name, price in {**AWS, **TEXTS["BR"]}.items():
        assert price.source.startswith("https://"), name
        row = next(row for row in page.partition("## Prices")[2].splitlines() if row.startswith(f"| {name}"))
        assert price.source in row
        assert (UNCHECKED in row) is (price.listed is None), name
    for scenario in SCENARIOS:
        for line in (*bill(scenario, ASSUMED), *texts(scenario, ASSUMED)):
            if line.usd >= 0.01:
                assert (f"{line.name} {line.usd:,.2f}†" in page) is (line.price.listed is None)


def test_every_assumption_is_printed_with_its_meaning() -> None:
    printed = document().partition("## What is assumed")[2].partition("## ")[0]

    for each in fields(Assumptions):
        assert f"| {getattr(ASSUMED, each.name):g} | {each.metadata['meaning']} |" in printed


def test_ones_own_numbers_are_taken_and_the_rest_is_as_for_one_venue() -> None:
    printed = answer(["--venues", "3", "--guests", "200", "--nights", "22", "--channel", "sms", "--multi-az"])

    expected = Scenario("", venues=3, guests=200, nights=22, channels={"sms": 1}, multi_az=True)
    assert "3 venues, 200 guests on each of 22 nights of 6 hours" in printed
    assert "Guests in Brazil: 100% SMS. The stack: db.t4g.micro, Multi-AZ, NAT instance." in printed
    assert f"| **AWS** | **{total(bill(expected, ASSUMED)):,.2f}** |" in printed
    assert f"| Texts | {total(texts(expected, ASSUMED)):,.2f} |" in printed


def test_channels_are_weighed() -> None:
    printed = answer(["--channel", "whatsapp=30", "telegram=10", "--country", "US"])

    assert "Guests in the United States: 75% WhatsApp, 25% Telegram." in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--venues", "0"], "'0' is not a whole number from 1 on"),
        (["--guests", "many"], "'many' is not a whole number from 1 on"),
        (["--boards", "-1"], "'-1' is not a whole number from 0 on"),
        (["--hours", "25"], "'25' is not a number of hours between 0 and 24"),
        (["--hours", "nan"], "'nan' is not a number of hours between 0 and 24"),
        (["--channel", "fax"], "'fax' is not one of sms, whatsapp, telegram"),
        (["--channel", "sms=x"], "'sms=x' is not one of sms, whatsapp, telegram"),
        (["--channel", "sms=0"], "one of the weights has to be above 0"),
        (["--database", "db.r8g.large"], "invalid choice: 'db.r8g.large'"),
    ],
)
def test_a_wrong_number_is_refused_by_name(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        answer(arguments)

    assert left.value.code == 2
    refusal = capsys.readouterr().err
    assert said in refusal
    assert arguments[0] in refusal
