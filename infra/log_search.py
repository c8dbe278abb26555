"""Puts up a search over the functions' log lines, or brings it up to date: python -m infra.log_search STAGE

Only where it is asked for: docs/logs.md. LOG_SEARCH_FROM names the addresses from where it may be opened, this
machine's among them; the password is made once and kept in SSM Parameter Store.

https://docs.opensearch.org/latest/im-plugin/index-templates/, …/im-plugin/ism/policies/, …/security/access-control/api/
"""

import os
import secrets
import sys
from http import HTTPStatus
from ipaddress import ip_network
from typing import Any

import httpx

from infra.deploy import deploy_stack
from infra.stage import Impossible, arguments_of, deployed, sentences, session, stack_name
from infra.templates import FOLDER

FROM = "LOG_SEARCH_FROM"
USER = "operator"
PASSWORD = "/queue-manager-log-search/{stage}/PASSWORD"  # noqa: S105 - where it is
DAYS_KEPT = 30
INDICES = "queue-manager-*"
EXACT = (
    "channel", "code", "exception_name", "function", "function_request_id", "kind", "level", "logger", "method",
    "notice", "path", "request_id", "revision", "scope", "sqs_message", "stage", "state", "ticket", "xray_trace_id",
)  # fmt: skip
WORDS = ("error", "event", "exception", "message", "reason")
KEYWORD = {"type": "keyword", "ignore_above": 1024}
TEXT = {"type": "text", "fields": {"exact": {"type": "keyword", "ignore_above": 256}}}
TEMPLATE: dict[str, Any] = {
    "index_patterns": [INDICES],
    "template": {
        # There is one node, and the lines stand in CloudWatch Logs too.
        "settings": {"number_of_shards": 1, "number_of_replicas": 0},
        "mappings": {
            # What we do not know is kept and can be read; it must not keep a line out by its type.
            "dynamic": False,
            "properties": {
                "@timestamp": {"type": "date"},
                "cold_start": {"type": "boolean"},
                "count": {"type": "long"},
                "ms": {"type": "float"},
                "retry": {"type": "boolean"},
                "status": {"type": "short"},
                "too_many_texts": {"type": "boolean"},
                "unreachable": {"type": "boolean"},
                **dict.fromkeys(EXACT, KEYWORD),
                **dict.fromkeys(WORDS, TEXT),
            },
        },
    },
}
POLICY: dict[str, Any] = {
    "policy": {
        "description": f"Forget log lines after {DAYS_KEPT} days.",
        "default_state": "kept",
        "states": [
            {
                "name": "kept",
                "actions": [],
                "transitions": [{"state_name": "forgotten", "conditions": {"min_index_age": f"{DAYS_KEPT}d"}}],
            },
            {"name": "forgotten", "actions": [{"delete": {}}], "transitions": []},
        ],
        "ism_template": [{"index_patterns": [INDICES], "priority": 1}],
    }
}
# https://docs.opensearch.org/latest/security/access-control/default-action-groups/
MAY_WRITE: dict[str, Any] = {
    "cluster_permissions": ["indices:data/write/bulk"],
    "index_permissions": [{"index_patterns": [INDICES], "allowed_actions": ["create_index", "index"]}],
}


class NotPrepared(Impossible):
    """The domain refused something. The text has what, and its answer."""


def deploy_log_search(aws: Any, stage: str, addresses: str) -> tuple[dict[str, str], str]:
    """Put the stack up beside the application's, with the code that runs there; answers its outputs and the password.

    addresses: blocks such as 203.0.113.7/32, with commas between them. Raises Impossible, and what boto3 does.
    """
    known = deployed(aws, stage)
    password = kept_password(aws.client("ssm"), stage)
    known |= {"OperatorAddresses": addresses, "OperatorPassword": password}
    return deploy_stack(aws.client("cloudformation"), stack_name(stage, "log_search"), "log_search", known), password


def kept_password(ssm: Any, stage: str) -> str:
    """Made at the first time. It is not below the path of which the functions may read all."""
    name = PASSWORD.format(stage=stage)
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        # A domain wants capitals, digits and something else in it.
        password = f"{secrets.token_urlsafe(24)}-aA1"
        ssm.put_parameter(Name=name, Value=password, Type="SecureString")
        return password


def prepare(domain: httpx.Client, role: str) -> None:
    """Let the function's role write, say what the fields are and when lines are forgotten, and bring the dashboards.

    domain: speaks to it as the operator. Whatever is there already is replaced. Raises NotPrepared, httpx.HTTPError.
    """
    _ask(domain, "PUT", "/_plugins/_security/api/roles/ship_logs", json=MAY_WRITE)
    _ask(domain, "PUT", "/_plugins/_security/api/rolesmapping/ship_logs", json={"backend_roles": [role]})
    _ask(domain, "PUT", "/_index_template/queue-manager", json=TEMPLATE)
    _put_policy(domain)
    _import_dashboards(domain)


def _put_policy(domain: httpx.Client) -> None:
    path = "/_plugins/_ism/policies/queue-manager"
    there = domain.get(path)
    version = {}
    if there.status_code != HTTPStatus.NOT_FOUND:
        version = {f"if_{name}": _checked(there)[f"_{name}"] for name in ("seq_no", "primary_term")}
    _ask(domain, "PUT", path, params=version, json=POLICY)


def _import_dashboards(domain: httpx.Client) -> None:
    """https://docs.opensearch.org/latest/dashboards/management/saved-objects/"""
    file = ("dashboards.ndjson", (FOLDER / "dashboards.ndjson").read_bytes(), "application/ndjson")
    # Of all who log in, not of this user alone.
    headers = {"osd-xsrf": "true", "securitytenant": "global"}
    path = "/_dashboards/api/saved_objects/_import"
    answer = _ask(domain, "POST", path, params={"overwrite": "true"}, headers=headers, files={"file": file})
    if not answer["success"]:
        raise NotPrepared(f"{path}: {answer['errors']}")


def _ask(domain: httpx.Client, method: str, path: str, **request: Any) -> Any:
    return _checked(domain.request(method, path, **request))


def _checked(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise NotPrepared(f"{answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def main() -> None:
    """The command."""
    stage, addresses = arguments_of("log_search", "Put up a search over the logs.").stage, os.environ.get(FROM, "")
    try:
        networks = [ip_network(address) for address in addresses.split(",")]
    except ValueError:
        sys.exit(f"Set {FROM} first: from where it may be opened, such as 203.0.113.7/32,198.51.100.0/24.")
    with sentences():
        outputs, password = deploy_log_search(session(), stage, ",".join(map(str, networks)))
        try:
            with httpx.Client(base_url=outputs["Url"], auth=(USER, password), timeout=60) as domain:
                prepare(domain, outputs["Role"])
        except httpx.HTTPError as error:
            raise NotPrepared(f"{outputs['Url']} can't be reached from here: {error}") from error
    print(f"{outputs['Url']}/_dashboards as {USER}; the password is in {PASSWORD.format(stage=stage)}")


if __name__ == "__main__":
    main()
