"""Requests that others wrote down, sent to a product; each test is skipped if no variable names their source.

``READING_ROOM_TEST_BOTOCORE`` is a checkout of https://github.com/boto/botocore, ``READING_ROOM_TEST_AWS_CLI`` one of
https://github.com/aws/aws-cli. What they do presupposes resources that are not there, so most answers are errors. None
may be one that AWS would not give.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name

from tests.worlds.loaded import loaded_aws
from tests.worlds.pages import page_of
from tests.worlds.product import running_product

HERE = Path(__file__).parent
BOTOCORE = os.environ.get("READING_ROOM_TEST_BOTOCORE", "")
WITH_REQUESTS = (
    *("credentials", "ec2", "history", "regions", "s3", "s3_control_redirects", "s3express", "sts", "useragent"),
)
"""The functional tests of botocore that make requests of our services. Nearly all others make none, or other ones."""
ANSWERS = {
    *((200, None), (204, None), (404, None), (404, "NoSuchBucket"), (404, "NoSuchKey"), (404, "NoSuchUpload")),
    *((404, "NoSuchLifecycleConfiguration"), (400, "InvalidBucketName"), (405, "MethodNotAllowed")),
    # An empty list of CORS rules, a policy that is no JSON, and a time that the test has set back.
    *((400, "MalformedXML"), (400, "MalformedPolicy"), (400, "RequestExpired")),
    # A role of another account, unsigned requests, and what docs/reference/differences-s3.md lists.
    *((403, "AccessDenied"), (403, "MissingAuthenticationToken"), (501, "NotImplemented")),
}
"""The status and code of every answer."""
CLI = os.environ.get("READING_ROOM_TEST_AWS_CLI", "")
SERVICES = {"comprehend": "comprehend", "ec2": "ec2", "iam": "iam", "logs": "logs", "s3api": "s3", "sts": "sts"}
"""The services by the CLI's name for them."""
CODE = re.compile(r"An error occurred \((\S+)\)")
BEFORE_THE_CALL = re.compile(
    r"Error parsing parameter|Parameter validation failed|usage:|unexpected EOF|Unable to load paramfile"
)
"""Why the CLI makes no call: a file of the example is missing, or the example is wrong."""
FAULTS = re.compile(
    "Internal|ServiceUnavailable|Signature|UnknownOperation|InvalidAction|MethodNotAllowed|Serialization|NotImplemented"
)
"""Codes that no example may get."""


@pytest.mark.e2e
@pytest.mark.costs(600, reason="hundreds of tests and requests, on demand")
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not BOTOCORE, reason="READING_ROOM_TEST_BOTOCORE names no source of botocore")
def test_requests_of_botocores_functional_tests_get_answers_of_aws(tmp_path: Path) -> None:
    with running_product(tmp_path) as product:
        endpoint = product.endpoint()
        told = {
            "url": endpoint.url,
            "region": endpoint.region,
            "access_key_id": endpoint.access_key_id,
            "secret_access_key": endpoint.secret_access_key,
            "file": str(tmp_path / "lines"),
        }
        options = ["-q", "-p", "replayed_requests", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", BOTOCORE]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *(f"tests/functional/test_{name}.py" for name in WITH_REQUESTS)],
            cwd=BOTOCORE,
            env=os.environ
            | {"PYTHONPATH": f"{BOTOCORE}:{HERE}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "REPLAY": json.dumps(told)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert len(lines) > 300
    assert [line for line in lines if (line["status"], line["code"]) not in ANSWERS] == []


@pytest.mark.e2e
@pytest.mark.costs(600, reason="hundreds of commands, on demand")
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not CLI, reason="READING_ROOM_TEST_AWS_CLI names no source of the AWS CLI")
def test_examples_of_the_aws_clis_documentation_get_answers_of_aws(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    faults, number = [], 0
    with running_product(tmp_path) as product:
        endpoint = product.endpoint()
        environment = os.environ | {
            "PATH": f"{loaded_aws()}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_ACCESS_KEY_ID": endpoint.access_key_id,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_access_key,
            "AWS_DEFAULT_REGION": endpoint.region,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        for command in examples():
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            number += 1
            code = CODE.search(done.stderr)
            refused = code is not None and not FAULTS.search(code[1])
            if done.returncode and not refused and not BEFORE_THE_CALL.search(done.stderr):
                faults.append((command, done.stderr))
    assert number > 400
    assert faults == []


def examples() -> Iterator[str]:
    """Yield every command of the examples for operations that the product has."""
    for part in page_of("reference/operations.md").read_text().split("\n## ")[1:]:
        service = part.partition("\n")[0].strip()
        words = {xform_name(name, "-") for name in re.findall(r"^\| (\w+) \| ", part, re.MULTILINE)}
        for name in (name for name, own in SERVICES.items() if own == service):
            for path in sorted(Path(CLI, "awscli", "examples", name).glob("*.rst")):
                text = f"{path.read_text()}\n" if path.stem in words else ""
                for block in re.findall(r"::\n\n((?:[ \t]+.*\n|\n)+)", text):
                    lines = re.sub(r"\\\n\s*", " ", block).splitlines()
                    yield from (line.strip().removeprefix("$ ") for line in lines if f"aws {name} " in line)
