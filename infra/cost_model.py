"""How much of everything a scenario takes in a month, and what it is paid for.

What the stack consists of is read from the templates; what they can't say stands in Assumptions.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from infra.prices import AWS, TEXTS, Price
from infra.scenarios import CHANNELS, DATABASES, Assumptions, Scenario
from infra.templates import STACKS, expanded

MILLION, KB_OF_A_GB = 1_000_000, 1024 * 1024
DISK_GB, CACHE_NODES, FUNCTION_GB = 20, 2, 1
"""As the templates say: a test compares."""
INSTANCE_DISK_GB = 8
"""As large as the image of Amazon Linux."""

PAID: Mapping[str, tuple[str, ...]] = {
    "AWS::CloudFront::Distribution": ("requests at CloudFront", "out of CloudFront"),
    "AWS::CloudWatch::Alarm": ("alarms", "metrics of our own"),
    "AWS::CloudWatch::Dashboard": ("dashboards",),
    "AWS::DynamoDB::Table": ("DynamoDB reads", "DynamoDB writes", "DynamoDB storage", "DynamoDB backups"),
    "AWS::EC2::EIP": ("public address",),
    "AWS::EC2::Instance": ("instance t4g.nano", "instance's disk", "out to the internet"),
    "AWS::EC2::NatGateway": ("NAT gateway", "through the NAT gateway"),
    "AWS::ElastiCache::ReplicationGroup": ("cache node cache.t4g.micro",),
    "AWS::Logs::LogGroup": ("logs written", "logs kept"),
    "AWS::OpenSearchService::Domain": ("log search node t3.small.search", "log search disk"),
    "AWS::RDS::DBInstance": (
        *(f"database {database}" for database in DATABASES),
        "database's disk",
        "database's backups beyond its size",
    ),
    "AWS::RDS::DBProxy": ("RDS Proxy",),
    "AWS::S3::Bucket": ("S3 storage",),
    "AWS::SNS::Topic": ("SNS publications", "key requests"),
    "AWS::SQS::Queue": ("SQS requests",),
    "AWS::Serverless::Api": ("requests at API Gateway",),
    "AWS::Serverless::Function": ("function calls", "function time", "traces", "between zones, both directions"),
    "AWS::WAFv2::WebACL": ("WAF web ACL", "WAF rule", "requests at WAF"),
}
"""By which prices a resource of each type is paid for."""

FREE = frozenset(
    {
        "AWS::ApiGateway::Account",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::OriginRequestPolicy",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",  # a gateway's, as a test makes sure
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::OIDCProvider",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Permission",
        "AWS::Logs::SubscriptionFilter",
        "AWS::RDS::DBParameterGroup",
        "AWS::RDS::DBProxyTargetGroup",
        "AWS::RDS::DBSubnetGroup",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",  # to a queue, or an alarm's mail
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",  # a standard one, as a test makes sure
        "Custom::Schema",
    }
)
"""The types of which a resource costs nothing."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What the templates make: resources by type, and what else counts.

    `queues_read` are read by functions, `own_metrics` watched by alarms; the API lets `requests_a_second` in.
    """

    resources: Counter[str]
    queues_read: int
    own_metrics: int
    requests_a_second: int


@cache
def stack() -> Stack:
    """What every stage has."""
    resources = [
        (resource["Type"], resource.get("Properties", {}))
        for template in STACKS
        for resource in expanded(template)["Resources"].values()
    ]
    sources = [
        event["Type"]
        for kind, properties in resources
        if kind == "AWS::Serverless::Function"
        for event in properties.get("Events", {}).values()
    ]
    metrics = {
        (properties["Namespace"], properties["MetricName"])
        for kind, properties in resources
        if kind == "AWS::CloudWatch::Alarm" and not properties.get("Namespace", "AWS/").startswith("AWS/")
    }
    [api] = [properties for kind, properties in resources if kind == "AWS::Serverless::Api"]
    return Stack(
        resources=Counter(kind for kind, _ in resources),
        queues_read=sources.count("SQS"),
        own_metrics=len(metrics),
        requests_a_second=api["MethodSettings"][0]["ThrottlingRateLimit"],
    )


@dataclass(frozen=True, slots=True)
class Load:
    """What happens in a month; `busiest` are the requests of its busiest second."""

    guests: float
    staff_polls: float
    polls: float
    requests: float
    notices: float
    calls: float
    seconds: float
    busiest: float


def load(scenario: Scenario, assumed: Assumptions) -> Load:
    """What a scenario asks of the stack."""
    venue_nights = scenario.venues * scenario.nights
    guests = venue_nights * scenario.guests
    of_one_page = venue_nights * scenario.hours * 3600 / assumed.poll_pause
    staff_polls = of_one_page * scenario.boards
    guest_polls = guests * assumed.page_share * assumed.page_minutes * 60 / assumed.poll_pause
    polls = staff_polls + of_one_page * scenario.screens + guest_polls

    telegram = scenario.share("telegram")
    reports = guests * assumed.notices * (1 - telegram) * assumed.reports
    others = guests * (assumed.other_requests + assumed.texts_received) + reports
    notices = guests * (assumed.notices + telegram * assumed.telegram_edits)
    sweeps = assumed.hours * 61

    calls = polls + others + notices + sweeps
    seconds = (
        polls * assumed.poll_seconds
        + others * assumed.other_seconds
        + notices * assumed.notice_seconds
        + sweeps * assumed.sweep_seconds
        + calls * assumed.cold_share * assumed.cold_seconds
    )
    steady = scenario.venues * (scenario.boards + scenario.screens) / assumed.poll_pause
    by_guests = (guest_polls + others) / (scenario.nights * scenario.hours * 3600)
    busiest = steady + by_guests * assumed.rush
    return Load(guests, staff_polls, polls, polls + others, notices, calls, seconds, busiest)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill: so many units of a price, in one of the areas that an owner tells apart."""

    area: str
    name: str
    amount: float
    price: Price

    @property
    def usd(self) -> float:
        """US dollars a month, after what is free."""
        return max(0.0, self.amount - self.price.free) * self.price.usd


def total(lines: Sequence[Line]) -> float:
    """US dollars a month."""
    return sum(line.usd for line in lines)


def bill(scenario: Scenario, assumed: Assumptions) -> list[Line]:
    """The lines of a month at AWS."""
    here, does = stack(), load(scenario, assumed)
    areas = {
        "Database": _database(scenario, does, assumed),
        "Cache": _cache(assumed),
        "Network and bastion": _network(scenario, does, assumed, here),
        "Requests": _requests(scenario, does, assumed),
        "Accounts and files": _accounts_and_files(scenario, does, assumed),
        "Passing notices on": _passing_on(does, assumed, here),
        "Watching": _watching(scenario, does, assumed, here),
    }
    return [Line(area, name, amount, AWS[name]) for area, amounts in areas.items() for name, amount in amounts]


Amounts = Iterator[tuple[str, float]]


def _database(scenario: Scenario, does: Load, assumed: Assumptions) -> Amounts:
    copies = 2 if scenario.multi_az else 1
    held = does.guests * assumed.guest_kb * assumed.history_months / KB_OF_A_GB
    disk = max(DISK_GB, held)
    yield f"database {scenario.database}", assumed.hours * copies
    yield "database's disk", disk * copies
    yield "database's backups beyond its size", max(0, held - disk)
    if scenario.proxy:
        yield "RDS Proxy", assumed.hours * assumed.proxy_cores


def _cache(assumed: Assumptions) -> Amounts:
    yield "cache node cache.t4g.micro", assumed.hours * CACHE_NODES


def _network(scenario: Scenario, does: Load, assumed: Assumptions, here: Stack) -> Amounts:
    gateway = scenario.nat == "gateway"
    instances = here.resources["AWS::EC2::Instance"] - gateway
    out = does.notices * assumed.notice_kb / KB_OF_A_GB
    yield "instance t4g.nano", assumed.hours * instances
    yield "instance's disk", INSTANCE_DISK_GB * instances
    yield "public address", assumed.hours  # instance or gateway has one
    yield "between zones, both directions", does.requests * assumed.zones_kb / KB_OF_A_GB
    yield "out to the internet", out
    if gateway:
        yield "NAT gateway", assumed.hours
        yield "through the NAT gateway", out


def _requests(scenario: Scenario, does: Load, assumed: Assumptions) -> Amounts:
    same = does.polls * (1 - assumed.news_share)
    answers_kb = same * assumed.same_kb + (does.requests - same) * assumed.new_kb
    yield "requests at API Gateway", does.requests / MILLION
    yield "requests at CloudFront", does.requests / MILLION
    yield "out of CloudFront", answers_kb / KB_OF_A_GB
    yield "function calls", does.calls / MILLION
    yield "function time", does.seconds * FUNCTION_GB
    if scenario.waf:
        yield "WAF web ACL", 1
        yield "WAF rule", assumed.waf_rules
        yield "requests at WAF", does.requests / MILLION


def _accounts_and_files(scenario: Scenario, does: Load, assumed: Assumptions) -> Amounts:
    accounts_gb = scenario.venues * assumed.account_kb / KB_OF_A_GB
    yield "DynamoDB reads", does.staff_polls * assumed.account_reads / MILLION
    yield "DynamoDB writes", scenario.venues * assumed.account_writes / MILLION
    yield "DynamoDB storage", accounts_gb
    yield "DynamoDB backups", accounts_gb
    yield "S3 storage", assumed.file_gb


def _passing_on(does: Load, assumed: Assumptions, here: Stack) -> Amounts:
    looks = here.queues_read * assumed.receives * 60 * assumed.hours
    yield "SNS publications", does.notices / MILLION
    yield "SQS requests", (looks + does.notices * 2) / MILLION  # each is put in and deleted, too
    yield "key requests", (does.notices + does.calls * assumed.cold_share * assumed.secrets) / MILLION


def _watching(scenario: Scenario, does: Load, assumed: Assumptions, here: Stack) -> Amounts:
    logs = does.calls * assumed.log_kb / KB_OF_A_GB
    yield "alarms", here.resources["AWS::CloudWatch::Alarm"]
    yield "metrics of our own", here.own_metrics
    yield "dashboards", here.resources["AWS::CloudWatch::Dashboard"]
    yield "logs written", logs
    yield "logs kept", logs * assumed.log_months
    if scenario.traces:
        yield "traces", does.calls * assumed.trace_share / MILLION
    if scenario.log_search:
        yield "log search node t3.small.search", assumed.hours
        yield "log search disk", max(assumed.search_gb, logs)


def texts(scenario: Scenario, assumed: Assumptions) -> list[Line]:
    """The lines of a month at the carriers."""
    guests = load(scenario, assumed).guests
    sms, whatsapp, telegram = (guests * scenario.share(channel) for channel in CHANNELS)
    sent = assumed.replies + assumed.notices
    amounts = {
        "SMS sent": sms * sent * assumed.segments,
        "SMS received": sms * assumed.texts_received,
        "SMS fee of the guest's network": sms * sent * assumed.segments,
        "WhatsApp fee of Twilio": whatsapp * (sent + assumed.texts_received),
        "WhatsApp fee of Meta": whatsapp * sent,
        "Telegram": telegram * sent,
        "phone number": scenario.venues if sms + whatsapp else 0,
    }
    return [Line("Texts", name, amount, TEXTS[scenario.country][name]) for name, amount in amounts.items()]
