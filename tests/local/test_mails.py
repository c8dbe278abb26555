"""Mail that many ask for at once leaves the server's threads to the line."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.journeys.line import EMAIL
from tests.local.edition import PASSWORD, Edition

TOGETHER = 18


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a mail server that takes connections and never says a word."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def take() -> None:
            while True:
                try:
                    stack.enter_context(listener.accept()[0])
                except OSError:
                    return

        thread = Thread(target=take)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def register(edition: Edition, number: int) -> int:
    registration = {"email": f"guest{number}@example.com", "password": "a good password"}
    url = f"{edition.url}/api/v1/accounts"
    return httpx.post(url, json=registration, trust_env=False, verify=False, timeout=60).status_code


def test_whoever_registers_while_many_do_is_told_to_come_again_and_served_then(tmp_path: Path) -> None:
    def insist(edition: Edition, number: int) -> set[int]:
        statuses = set()
        while 202 not in statuses:
            statuses.add(register(edition, number))
            time.sleep(0.1)
        return statuses

    with Edition(tmp_path / "edition") as edition, ThreadPoolExecutor(TOGETHER) as pool:
        statuses = set().union(*pool.map(lambda number: insist(edition, number), range(TOGETHER)))

        mails = httpx.get(f"{edition.url}/simulator/state", trust_env=False, verify=False).json()["mails"]
        assert statuses == {202, 503}
        assert len(mails) == TOGETHER


def test_a_mail_server_that_says_nothing_keeps_no_thread_from_the_line(tmp_path: Path, silent_server: int) -> None:
    settings = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(silent_server)}
    with Edition(tmp_path / "edition", **settings) as edition, ThreadPoolExecutor(TOGETHER) as pool:
        asked = [pool.submit(register, edition, number) for number in range(TOGETHER)]
        assert httpx.get(f"{edition.url}/display/DEMO", trust_env=False, verify=False, timeout=4).status_code == 200
        assert [one.result() for one in asked] == [503] * TOGETHER
        log_in = {"email": EMAIL, "password": PASSWORD}
        assert httpx.post(f"{edition.url}/api/v1/login", json=log_in, trust_env=False, verify=False).status_code == 200
