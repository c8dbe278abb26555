"""Who uses the AWS edition, how much, and what is assumed where no template says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DATABASES = ("db.t4g.micro", "db.t4g.small", "db.t4g.medium")
NATS = ("instance", "gateway")
CHANNELS = ("sms", "whatsapp", "telegram")
MIXED = {"whatsapp": 70.0, "sms": 20.0, "telegram": 10.0}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who uses the stack, and which of its choices were made.

    `guests` a night at each venue, `nights` a month, `hours` a night; `boards` and `screens` are the staff pages and
    displays that are open at each venue meanwhile. `channels` are weights in any unit, of which one is above 0.
    """

    name: str
    venues: int = 1
    guests: int = 150
    nights: int = 22
    hours: float = 6
    boards: int = 2
    screens: int = 1
    channels: Mapping[str, float] = field(default_factory=lambda: MIXED)
    country: str = "BR"
    database: str = "db.t4g.micro"
    multi_az: bool = False
    nat: str = "instance"
    waf: bool = False
    proxy: bool = False
    traces: bool = False
    log_search: bool = False

    def share(self, channel: str) -> float:
        """Of the guests, how many are told things by this channel: 0 to 1."""
        return self.channels.get(channel, 0) / sum(self.channels.values())


SCENARIOS = (
    Scenario("Lab", guests=20, nights=4, hours=3, boards=1, screens=0, channels={"telegram": 1}),
    Scenario("One venue"),
    Scenario("Chain", venues=12, guests=200, nights=26, database="db.t4g.small", multi_az=True),
    Scenario(
        "National",
        venues=100,
        guests=250,
        nights=26,
        hours=7,
        database="db.t4g.medium",
        multi_az=True,
        nat="gateway",
        waf=True,
    ),
)


def _assumed(value: float, meaning: str) -> Any:
    return field(default=value, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What no template says. The metadata of each field says what it means."""

    hours: float = _assumed(730, "hours in a month")
    poll_pause: float = _assumed(2, "seconds after which an open page asks again whether there is anything new")
    news_share: float = _assumed(0.05, "of the times that a page asks, there is")
    page_share: float = _assumed(0.5, "of the guests open their page")
    page_minutes: float = _assumed(5, "minutes for which it is then on the screen, all in all")
    other_requests: float = _assumed(10, "other requests for each guest: pages that are loaded, what staff press")
    texts_received: float = _assumed(2, "texts that a guest writes")
    replies: float = _assumed(2, "replies to them, as the answers to the carrier's own requests")
    notices: float = _assumed(2.5, "notices to a guest: almost there, the call, and now and then another")
    segments: float = _assumed(1.2, "segments that an SMS of ours takes")
    reports: float = _assumed(2, "delivery reports of Twilio on each notice")
    telegram_edits: float = _assumed(2, "times that a guest's card in Telegram is brought up to date")
    poll_seconds: float = _assumed(0.04, "seconds in which the function answers a page that asks")
    other_seconds: float = _assumed(0.15, "seconds for any other request")
    notice_seconds: float = _assumed(0.6, "seconds for a notice, most of them waiting for the carrier")
    sweep_seconds: float = _assumed(0.3, "seconds for the sweep, each minute and each hour")
    cold_share: float = _assumed(0.005, "of the calls have to start the function first")
    cold_seconds: float = _assumed(3, "seconds that a start takes")
    secrets: float = _assumed(8, "secrets that it decrypts")
    same_kb: float = _assumed(1, "KB of an answer that nothing is new")
    new_kb: float = _assumed(10, "KB of any other answer")
    zones_kb: float = _assumed(3, "KB between the zones for each request, as the database stands in one of them")
    notice_kb: float = _assumed(16, "KB out to AWS and the carrier for each notice")
    log_kb: float = _assumed(0.8, "KB of logs for each call of a function")
    log_months: float = _assumed(1, "months for which they are kept")
    file_gb: float = _assumed(2, "GB of code and files in S3")
    guest_kb: float = _assumed(5, "KB that a guest leaves in the database, with indexes and history")
    history_months: float = _assumed(12, "months of history in the database")
    account_reads: float = _assumed(1.5, "reads in DynamoDB each time that a staff page asks")
    account_writes: float = _assumed(100, "writes for each venue: who registers, and what is mailed")
    account_kb: float = _assumed(10, "KB of accounts for each venue")
    receives: float = _assumed(15, "times a minute that Lambda looks into each queue, empty or not")
    waf_rules: float = _assumed(1, "rules of the firewall")
    proxy_cores: float = _assumed(2, "virtual processors of the database that RDS Proxy is charged by")
    trace_share: float = _assumed(0.05, "of the calls are traced")
    search_gb: float = _assumed(10, "GB of disk for log search, or what a month writes where that is more")
    rush: float = _assumed(2, "times the average of a night in its busiest minutes")
