"""Whether the service works, for whoever watches over it."""

from collections.abc import Callable
from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from core.errors import RecordUnavailable
from core.storage.records import Records
from web.services import Health, current

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def answer() -> Response:
    """200 while the database answers, even without Redis; 503 otherwise."""
    found = current().health()
    response = jsonify({"status": "ok" if found.database else "unavailable", **asdict(found)})
    response.status_code = 200 if found.database else 503
    response.headers["Cache-Control"] = "no-store"
    return response


def look_at(
    records: Records, redis_answers: Callable[[], bool], worker_age: Callable[[], float | None] = lambda: None
) -> Health:
    """How the parts are now. `worker_age`: seconds since the worker's last beat, None where there is none."""
    age: float | None = None
    try:
        with records.reading() as tx:
            oldest = tx.event_log.oldest_unrelayed()
            if oldest is not None:
                age = round(max(0.0, (tx.now - oldest).total_seconds()), 1)
        database = True
    except RecordUnavailable:
        database = False
    since = worker_age()
    return Health(
        database=database,
        redis=redis_answers(),
        oldest_unrelayed_seconds=age,
        worker_beat_seconds=None if since is None else round(since, 1),
    )
