"""The small soak: what `make soak` does with twenty times as many guests."""

import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_five_hundred_guests_are_served_once_each_while_containers_die() -> None:
    command = [sys.executable, "-m", "tests.soak", "--guests", "500", "--queues", "10", "--seed", "20261129"]

    evening = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    assert evening.returncode == 0, evening.stdout
