"""The models of the API are built when they are first used, in whatever thread that is."""

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
