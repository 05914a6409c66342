"""``reading-room access``: what the operator sees of a trail that is intact, damaged, unreadable or missing."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.call_record import CallRecord
from reading_room.cli import commands
from reading_room.iam.errors import NoSuchEntity, UnauthorizedOperation
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.trail.chain import path_of
from reading_room.trail.recording import Trail

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ANN = Principal("user", "111122223333", "arn:aws:iam::111122223333:user/ann", "AIDAANN", user_name="ann")
REQUEST_ID = "11111111-2222-3333-4444-555555555555"
NIGHT_ONLY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": {
        "Sid": "FromHome",
        "Effect": "Allow",
        "Action": "ec2:*",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    },
}


def says(*arguments: str, code: int = 0) -> str:
    """Run ``access`` and return what it printed."""
    result = CliRunner().invoke(commands.app, ["access", *arguments])
    assert result.exit_code == code, result.output
    assert not isinstance(result.exception, Exception), result.exception
    return result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose trail has one denied call."""
    policy = AttachedPolicy("identity", parse(json.dumps(NIGHT_ONLY), "inline"), "inline policy night of ann")
    context = {"aws:SourceIp": ("203.0.113.9",)}
    decision = decide(Request(ANN, "ec2:CreateVpc", ("*",), ANN.account, context), [policy])
    trail = Trail(folder=tmp_path / "trail", clock=lambda: NOW, days=90)
    trail.denied(REQUEST_ID, decision)
    trail.record(
        CallRecord(
            service="ec2",
            operation="CreateVpc",
            request_id=REQUEST_ID,
            ended_at=NOW,
            region="us-east-1",
            path=NetworkPath(vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.0.7"),
            principal=ANN,
            access_key_id="AKIAANN",
            user_agent="[red]Boto3[/]\x1b[2J",
            parameters={"CidrBlock": "[bold]"},
            error=UnauthorizedOperation(decision.message()),
        )
    )
    trail.close()
    return tmp_path


def test_a_denied_call_is_explained_when_nothing_runs(data: Path) -> None:
    printed = says("explain", REQUEST_ID, "--data", str(data))
    for part in (
        "CreateVpc of ec2",
        "by arn:aws:iam::111122223333:user/ann from 10.0.0.7 through vpce-1",
        "Client.UnauthorizedOperation",
        "ec2:CreateVpc on *: allowed by no statement",
        "statement 'FromHome' of identity policy inline policy night of ann",
        "condition fails: IpAddress on aws:sourceip wants 192.0.2.0/24; the request's is 203.0.113.9",
        "aws:SourceIp = 203.0.113.9",
    ):
        assert part in printed, printed


def test_every_denial_of_a_job_is_shown(data: Path) -> None:
    job = "0123456789abcdef0123456789abcdef"
    session = Principal(
        "session", ANN.account, f"arn:aws:sts::111122223333:assumed-role/Reader/job-{job}", f"AROA:{job}"
    )
    trail = Trail(folder=data / "trail", clock=lambda: NOW, days=90)
    for number in range(2):
        trail.denied(f"request-{number}", decide(Request(session, "s3:GetObject", ("*",), ANN.account), []))
    trail.close()
    printed = says("explain", job, "--data", str(data))
    assert "request-0" in printed
    assert "request-1" in printed
    assert "no call with" in says("explain", job[:-1] + "0", "--data", str(data), code=1)


def test_everything_can_be_printed_as_json(data: Path) -> None:
    printed = json.loads(says("explain", REQUEST_ID, "--json", "--data", str(data)))
    assert printed["calls"][0]["requestID"] == printed["denials"][0]["requestID"] == REQUEST_ID
    assert printed["denials"][0]["closest"][0]["document"]["Sid"] == "FromHome"


def test_a_call_that_no_policy_decided_differs_from_one_that_was_allowed(tmp_path: Path) -> None:
    trail = Trail(folder=tmp_path / "trail", clock=lambda: NOW, days=90)
    for request_id, error in (("refused", NoSuchEntity("user", "bo")), ("allowed", None)):
        trail.record(
            CallRecord(
                service="iam",
                operation="GetUser",
                request_id=request_id,
                ended_at=NOW,
                region="us-east-1",
                path=NetworkPath(),
                principal=ANN,
                access_key_id="AKIAANN",
                user_agent="",
                error=error,
            )
        )
    trail.close()
    refused = says("explain", "refused", "--data", str(tmp_path))
    assert "The user with name bo cannot be found." in refused
    assert "No policy decided this: the error is the whole reason." in refused
    assert "it was allowed" in says("explain", "allowed", "--data", str(tmp_path))


def test_an_unknown_request_id_is_reported(data: Path) -> None:
    for unknown in ("nothing", "", '"', REQUEST_ID[:-1]):
        assert "no call with the request id" in says("explain", unknown, "--data", str(data), code=1)


def test_a_folder_without_a_trail_is_named(tmp_path: Path) -> None:
    assert "does not exist" in says("explain", REQUEST_ID, "--data", str(tmp_path), code=1)
    assert "does not exist" in says("verify-trail", "--data", str(tmp_path), code=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_user_without_access_to_the_trail_learns_who_has_it(data: Path) -> None:
    (data / "trail").chmod(0)
    try:
        assert "run this as root" in says("explain", REQUEST_ID, "--data", str(data), code=1)
    finally:
        (data / "trail").chmod(0o700)


def test_an_intact_trail_is_verified_and_its_digest_can_be_checked_later(data: Path) -> None:
    printed = says("verify-trail", "--data", str(data))
    digest = next(line.split()[-1] for line in printed.splitlines() if line.startswith("management"))
    assert len(digest) == 64
    says("verify-trail", "--known", digest, "--data", str(data))
    assert "lines are missing" in says("verify-trail", "--known", "f" * 64, "--data", str(data), code=1)


def test_a_trail_that_was_changed_is_refused_with_the_place(data: Path) -> None:
    trail = Trail(folder=data / "trail", clock=lambda: NOW, days=90)
    trail.denied("other", decide(Request(ANN, "ec2:DeleteVpc", ("*",), ANN.account), []))
    trail.close()
    path = path_of(data / "trail", "denials", NOW.date())
    path.write_bytes(path.read_bytes().replace(b"203.0.113.9", b"192.0.2.9  ", 1))
    printed = says("verify-trail", "--data", str(data), code=1)
    assert "not as it was written" in printed
    assert f"{path.name}, line 2" in printed


def test_a_good_policy_has_no_findings(tmp_path: Path) -> None:
    allow = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": allow}))
    assert "no findings" in says("lint", str(file))


def test_two_documents_in_one_are_refused_and_merged(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    one = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    file.write_text("\n".join(json.dumps({"Version": "2012-10-17", "Statement": [one]}) for _ in range(2)))
    printed = says("lint", str(file), "--use", "endpoint", code=1)
    assert "The Policy Document is not valid" in printed
    assert "Both in one document:" in printed


def test_an_unknown_use_or_file_is_named(tmp_path: Path) -> None:
    assert "expected one of managed" in says("lint", str(tmp_path / "x"), "--use", "anything", code=1)
    assert "cannot be read" in says("lint", str(tmp_path / "x"), code=1)
