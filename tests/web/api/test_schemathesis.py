"""What fits the OpenAPI document is taken, what does not is refused, and every answer is as the document says."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.web.api.callers import Caller, served

ROOT = Path(__file__).parents[3]
SETTINGS = """\
hooks = "tests.web.api.formats"
generation.max-examples = 10
headers = {{ Authorization = "Bearer {token}" }}
phases.stateful.enabled = false

[parameters]
"path.venue_id" = "{venue_id}"
"path.queue_id" = "{queue_id}"
"path.ticket_id" = {{ dictionary = "tickets" }}
"path.token" = {{ dictionary = "tokens" }}

[dictionaries]
tickets = {{ values = {tickets} }}
tokens = {{ values = {tokens} }}

# No schema can tell which token was mailed, and which cursor belongs to a list.
[[operations]]
include-operation-id = ["verify", "reset", "list_venues", "list_queues", "list_tickets", "show_history"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "422", "429"]
"""


@pytest.mark.timeout(300)
def test_the_api_is_what_its_document_says(app: Flask, ann: Caller, tmp_path: Path) -> None:
    venue = ann.new_venue(phone_number="+5511987654300", time_zone="America/Sao_Paulo")
    queue = ann.new_queue(venue)
    tickets = [ann.add(queue) for _ in range(20)]
    settings: dict[str, Any] = {
        "token": ann.token,
        "venue_id": queue["venue_id"],
        "queue_id": queue["id"],
        "tickets": [ticket["id"] for ticket in tickets],
        "tokens": [ticket["guest_url"].rpartition("/")[2] for ticket in tickets],
    }
    (tmp_path / "schemathesis.toml").write_text(SETTINGS.format(**settings))

    with served(app) as address:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                f"--config-file={tmp_path / 'schemathesis.toml'}",
                "run",
                f"{address}/api/v1/openapi.json",
                "--no-color",
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
