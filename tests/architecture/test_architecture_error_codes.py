"""The error codes in the code, on their page, in the tables of advice, and in the console are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from reading_room.aws.errors import AwsError
from reading_room.jobs.outcomes import WORKER_CODES
from reading_room.vpc.errors import LimitExceeded
from tests.worlds.scripts import script

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "console" / "src"


@pytest.fixture(scope="module")
def codes() -> ModuleType:
    """The script that collects the codes from the code."""
    return script("error_codes")


def classes(parent: type[AwsError] = AwsError) -> Iterator[type[AwsError]]:
    """Yield every error class that is sent to clients."""
    for each in parent.__subclasses__():
        yield each
        yield from classes(each)


def keys(path: Path, name: str) -> list[str]:
    """Return the keys of a constant object in a module of the console."""
    body = re.search(rf"const {name}\b[^=]*= \{{\n(.*?)^\}};", path.read_text(), re.MULTILINE | re.DOTALL)
    assert body is not None
    return re.findall(r"^  ([A-Z_]+):", body[1], re.MULTILINE)


@pytest.mark.costs(1, reason="it reads all code")
def test_the_page_has_the_code_of_every_error(codes: ModuleType) -> None:
    """A code that no service uses would be dead code, or the script would not find its use."""
    shown = {code for of_service in codes.codes_by_service().values() for code in of_service}
    # Each quota gives this class its own code.
    missing = {each.__name__ for each in classes() if each is not LimitExceeded and each.code not in shown}
    assert missing == set()


@pytest.mark.parametrize(
    ("title", "code", "status"),
    [
        ("comprehend", "JobNotFoundException", 400),
        ("comprehend", "UnknownOperationException", 400),
        ("comprehend", "AccessDeniedException", 400),
        ("ec2", "UnauthorizedOperation", 403),
        ("ec2", "InvalidVpcID.Malformed", 400),
        ("ec2", "InvalidAttachmentID.Malformed", 400),
        ("ec2", "VpcLimitExceeded", 400),
        ("ec2", "RequestLimitExceeded", 503),
        ("iam and sts", "NoSuchEntity", 404),
        ("logs", "ResourceNotFoundException", 400),
        ("s3", "NotImplemented", 501),
        ("s3", "NoSuchKey", 404),
    ],
)
def test_a_service_has_its_own_codes_and_those_of_its_protocol(
    codes: ModuleType, title: str, code: str, status: int
) -> None:
    """Examples for each way in which the script finds codes."""
    assert {one for one, _ in codes.codes_by_service()[title][code]} == {status}


def test_no_service_uses_the_spelling_of_another(codes: ModuleType) -> None:
    """Denials, throttling and internal errors have one code for each protocol family."""
    spellings = {
        "AccessDenied": {"iam and sts", "s3"},
        "AccessDeniedException": {"cloudtrail", "comprehend", "kms", "logs", "organizations", "reading-room"},
        "UnauthorizedOperation": {"ec2"},
        "SlowDown": {"s3"},
        "Throttling": {"iam and sts"},
        "InternalServerException": {"comprehend"},
        "DryRunOperation": {"ec2"},
    }
    by_service = codes.codes_by_service()
    found = {code: {title for title, has in by_service.items() if code in has} for code in spellings}
    assert found == spellings


@pytest.mark.costs(0.08, reason="it reads the code to find error codes")
def test_exactly_the_failures_of_jobs_are_explained(codes: ModuleType) -> None:
    """A new code needs a row, and a row for a removed code would be misleading."""
    advised = codes.advised_codes(codes.FAILED)
    assert sorted(advised) == sorted(codes.failure_codes())


def test_exactly_the_errors_of_documents_are_explained(codes: ModuleType) -> None:
    """The same for the codes of documents in the results."""
    assert sorted(codes.advised_codes(codes.IN_DOCUMENTS)) == sorted(codes.document_codes())


def test_every_explained_code_of_calls_is_used_by_a_service(codes: ModuleType) -> None:
    """Readers search for what their client printed."""
    shown = {code for of_service in codes.codes_by_service().values() for code in of_service}
    advised = codes.advised_codes(codes.REFUSED)
    assert len(advised) > 10
    assert set(advised) - shown == set()


@pytest.mark.costs(0.05, reason="it reads the code to find error codes")
def test_the_console_has_advice_for_each_failure_and_each_document_error(codes: ModuleType) -> None:
    """It shows the one thing to change."""
    assert sorted(keys(CONSOLE / "jobs" / "failure.ts", "ENTRIES")) == sorted(codes.failure_codes())
    views = CONSOLE / "results" / "views"
    assert sorted(keys(views / "ErrorsView.tsx", "ADVICE")) == sorted(codes.document_codes())


@pytest.mark.costs(0.1, reason="it reads all code of the analysis")
def test_each_code_accepted_from_containers_is_used_in_containers(codes: ModuleType) -> None:
    """Any other code would be shown as INTERNAL_ERROR."""
    used = {code for path in (ROOT / "src" / "reading_room" / "analysis").rglob("*.py") for code in codes.said_in(path)}
    assert set(WORKER_CODES) - used == set()
