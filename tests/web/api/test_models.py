"""The models of the API are built when they are first used, in whatever thread that is."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from web.api.models import Model

THREADS = 8


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def new_model() -> type[Model]:
    class Part(Model):
        number: int
        name: str = ""

    class Whole(Model):
        parts: list[Part]

    return Whole


@pytest.mark.usefixtures("hasty")
def test_threads_that_use_a_model_first_all_get_it_whole() -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(1000):
            model, start = new_model(), Barrier(THREADS)

            def use(_number: int, model: type[Model] = model, start: Barrier = start) -> str:
                start.wait()
                return model.model_validate_json('{"parts": [{"number": 1}]}').model_dump_json()

            assert set(threads.map(use, range(THREADS))) == {'{"parts":[{"number":1,"name":""}]}'}


# Each model is built once in a process.
ASKED_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from flask import Flask
from web import api
app = Flask("web")
app.register_blueprint(api.blueprint)
sys.setswitchinterval(1e-5)
with ThreadPoolExecutor(4) as threads:
    answers = list(threads.map(lambda _: app.test_client().get("/api/v1/openapi.json").text, range(4)))
print(len({*answers, app.test_client().get("/api/v1/openapi.json").text}), "GuestTicket" in answers[0], len(answers[0]))
"""


def test_who_asks_for_the_document_at_once_in_a_new_process_gets_the_same() -> None:
    said = {
        subprocess.run([sys.executable, "-c", ASKED_AT_ONCE], check=True, capture_output=True, text=True).stdout
        for _ in range(4)
    }

    [(same, known, _length)] = [line.split() for line in said]
    assert (same, known) == ("1", "True")
