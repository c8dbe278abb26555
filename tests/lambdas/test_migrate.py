"""What CloudFormation is told where the database can't be brought to the newest schema, and what Lambda counts."""

import pytest

from tests.lambdas.bootstrap import CONTEXT
from tests.lambdas.surroundings import Surroundings
from tests.servers import free_port

pytestmark = pytest.mark.timeout(300)

STAGE = "without-a-database"
PASSWORD = "the password of the database"


@pytest.fixture(scope="module")
def _parameters(around: Surroundings) -> None:
    """Those of a stage whose database is not there."""
    around.put_parameters(STAGE, without="MYSQL_HOST")
    for name, value in {"MYSQL_HOST": f"127.0.0.1:{free_port()}", "MYSQL_PASSWORD": PASSWORD}.items():
        around.aws.client("ssm").put_parameter(Name=f"/queue-manager/{STAGE}/{name}", Value=value, Type="SecureString")


@pytest.mark.usefixtures("_parameters")
def test_cloudformation_is_told_that_the_database_is_not_there_and_nothing_secret(around: Surroundings) -> None:
    event = around.event("migrate", "update") | {"ResponseURL": around.response_url(STAGE)}

    with around.container("migrate", PARAMETERS=f"/queue-manager/{STAGE}") as container:
        said = container.invoke(event)
        log = container.log

    assert around.told_cloudformation(STAGE) == {
        "Status": "FAILED",
        "Reason": f"OperationalError; the log {CONTEXT.log_stream_name} has it",
        "PhysicalResourceId": "schema",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # It was answered, and Lambda counts no error.
    assert said == {"answer": None}
    assert "the database could not be migrated" in log
    assert "Connection refused" in log
    assert PASSWORD not in log


def test_an_answer_that_cloudformation_cannot_be_given_counts_as_failed(around: Surroundings) -> None:
    event = around.event("migrate", "update") | {"ResponseURL": f"http://127.0.0.1:{free_port()}/"}

    with around.container("migrate") as container:
        said = container.invoke(event)

    assert said == {"errorType": "Failed", "errorMessage": "URLError"}
