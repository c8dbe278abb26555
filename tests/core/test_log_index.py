"""What the log index is given, and what becomes of what it does not take."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError
from structlog.testing import capture_logs

from core.storage.log_index import LARGEST_BODY, Document, LogIndex, NotIndexed
from tests.opensearch import OpenSearch
from tests.servers import free_port

DAY = "queue-manager-2026.12.21"
MAPPING = (400, {"type": "mapper_parsing_exception", "reason": "failed to parse field [status]"})
BUSY = (429, {"type": "rejected_execution_exception", "reason": "the queue is full"})
AWAY = (503, {"type": "unavailable_shards_exception", "reason": "primary shard is not active"})


@pytest.fixture(autouse=True)
def _role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-the-role")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")


@pytest.fixture
def opensearch() -> Iterator[OpenSearch]:
    with OpenSearch().serving() as server:
        yield server


def lines(*identifiers: str, text: str = "hello") -> list[Document]:
    return [Document(DAY, identifier, {"event": text}) for identifier in identifiers]


def kept(opensearch: OpenSearch) -> set[str]:
    return {identifier for _, identifier in opensearch.documents}


def test_what_is_put_again_replaces_what_stands_there(opensearch: OpenSearch) -> None:
    index = LogIndex(opensearch.url)

    index.put(lines("1", "2", text="first"))
    index.put(lines("2", "3", text="ação"))

    assert opensearch.documents == {
        (DAY, "1"): {"event": "first"},
        (DAY, "2"): {"event": "ação"},
        (DAY, "3"): {"event": "ação"},
    }


def test_a_request_is_signed_for_the_domain_by_the_functions_role(opensearch: OpenSearch) -> None:
    LogIndex(opensearch.url).put(lines("1"))

    [asked] = opensearch.asked
    assert asked.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")
    assert "/sa-east-1/es/aws4_request, SignedHeaders=content-type;host;x-amz-date" in asked.headers["Authorization"]
    assert asked.headers["X-Amz-Security-Token"] == "token-of-the-role"
    assert asked.headers["Content-Type"] == "application/x-ndjson"


def test_what_is_refused_for_good_is_logged_once_and_the_rest_is_kept(opensearch: OpenSearch) -> None:
    opensearch.refused = {"2": MAPPING, "3": MAPPING}

    with capture_logs() as logged:
        LogIndex(opensearch.url).put(lines("1", "2", "3", "4"))

    assert kept(opensearch) == {"1", "4"}
    assert [(line["count"], line["reason"]) for line in logged] == [
        (2, "mapper_parsing_exception: failed to parse field [status]")
    ]


@pytest.mark.parametrize("outcome", [BUSY, AWAY], ids=["429", "503"])
def test_what_is_not_taken_now_is_said_so_that_it_comes_again(
    opensearch: OpenSearch, outcome: tuple[int, dict[str, str]]
) -> None:
    opensearch.refused = {"1": MAPPING, "2": outcome}
    index = LogIndex(opensearch.url)

    with pytest.raises(NotIndexed, match=f"1 documents: {outcome[1]['type']}"):
        index.put(lines("1", "2", "3"))
    assert kept(opensearch) == {"3"}

    del opensearch.refused["2"]
    index.put(lines("1", "2", "3"))
    assert kept(opensearch) == {"2", "3"}


@pytest.mark.parametrize("status", [403, 413, 429, 503])
def test_a_request_that_is_refused_as_a_whole_comes_again(opensearch: OpenSearch, status: int) -> None:
    opensearch.refused = {"/_bulk": (status, {"message": "not now"})}

    with pytest.raises(NotIndexed, match=f"{status}: .*not now"):
        LogIndex(opensearch.url).put(lines("1"))


def test_a_domain_that_is_away_is_an_error() -> None:
    with pytest.raises(BotoCoreError):
        LogIndex(f"http://127.0.0.1:{free_port()}").put(lines("1"))


def test_no_request_is_larger_than_a_small_domain_takes(opensearch: OpenSearch) -> None:
    many = lines(*map(str, range(12)), text="x" * (LARGEST_BODY // 4))

    LogIndex(opensearch.url).put(many)

    assert len(opensearch.asked) == 4
    assert max(len(asked.body) for asked in opensearch.asked) <= LARGEST_BODY
    assert kept(opensearch) == {document.id for document in many}


def test_nothing_is_asked_for_nothing(opensearch: OpenSearch) -> None:
    LogIndex(opensearch.url).put([])

    assert opensearch.asked == []


def test_each_document_stands_on_a_line_of_its_own(opensearch: OpenSearch) -> None:
    LogIndex(opensearch.url).put(lines("1", text="first line\nsecond line"))

    body = opensearch.asked[0].body.decode()
    assert body.endswith("\n")
    assert [json.loads(line) for line in body.splitlines()] == [
        {"index": {"_index": DAY, "_id": "1"}},
        {"event": "first line\nsecond line"},
    ]
