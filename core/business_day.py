"""The venue's business day: a club's Friday ends on Saturday morning."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def end_of_business_day(now: datetime, time_zone: str, day_starts_at: str) -> datetime:
    """The moment, in UTC, at which the business day that `now` belongs to ends and the numbers start again.

    `day_starts_at` is the venue's local time as HH:MM. An hour that a change of the clocks leaves out begins
    when the clocks have jumped over it.
    """
    zone = ZoneInfo(time_zone)
    starts_at = time.fromisoformat(day_starts_at)
    day = now.astimezone(zone).date()
    today = datetime.combine(day, starts_at, zone).astimezone(UTC)
    if today > now:
        return today
    return datetime.combine(day + timedelta(days=1), starts_at, zone).astimezone(UTC)
