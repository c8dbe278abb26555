"""The log index: an OpenSearch domain in which the functions' log lines can be searched.

Requests are signed by what botocore brings, as Lambda has it anyway: one POST is no reason for a client library.
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/request-signing.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import boto3
import structlog
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

# Half of what the smallest domain takes.
# https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html
LARGEST_BODY = 5 * 1024 * 1024
SECONDS = 20

log = structlog.get_logger(__name__)


class NotIndexed(Exception):
    """The index did not take all documents; another try may help. The text says why, by the first of them."""


@dataclass(frozen=True, slots=True)
class Document:
    """One log line. Put again under the same index and id, it replaces what stands there."""

    index: str
    id: str
    fields: Mapping[str, Any]


class LogIndex:
    """Writes to the domain at `url` (https://host) with the role of the function that it runs in."""

    def __init__(self, url: str) -> None:
        session = boto3.Session()
        self._url = f"{url}/_bulk"
        self._signer = SigV4Auth(session.get_credentials(), "es", session.region_name)
        self._http = URLLib3Session(timeout=SECONDS)

    def put(self, documents: Iterable[Document]) -> None:
        """Index these. Those that are refused for good are logged, once for all of them, and left out.

        Raises NotIndexed, and botocore's BotoCoreError where the domain can't be reached; all may then be put again.
        """
        failed = [item for body in _bodies(documents) for item in self._send(body) if item["status"] >= 400]
        later = [item for item in failed if _may_help(item["status"])]
        refused = [item for item in failed if not _may_help(item["status"])]
        if refused:
            log.error("log lines were refused", count=len(refused), reason=_reason(refused[0]))
        if later:
            raise NotIndexed(f"{len(later)} documents: {_reason(later[0])}")

    def _send(self, body: bytes) -> list[dict[str, Any]]:
        """What became of each document, in their order."""
        request = AWSRequest("POST", self._url, headers={"Content-Type": "application/x-ndjson"}, data=body)
        self._signer.add_auth(request)
        answer = self._http.send(request.prepare())
        if answer.status_code != HTTPStatus.OK:
            raise NotIndexed(f"{answer.status_code}: {answer.text[:200]}")
        return [outcome for item in json.loads(answer.content)["items"] for outcome in item.values()]


def _bodies(documents: Iterable[Document]) -> Iterator[bytes]:
    body = b""
    for document in documents:
        action = {"index": {"_index": document.index, "_id": document.id}}
        lines = f"{json.dumps(action)}\n{json.dumps(document.fields)}\n".encode()
        if body and len(body) + len(lines) > LARGEST_BODY:
            yield body
            body = b""
        body += lines
    if body:
        yield body


def _may_help(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _reason(item: Mapping[str, Any]) -> str:
    error = item["error"]
    return f"{error['type']}: {error['reason']}"
