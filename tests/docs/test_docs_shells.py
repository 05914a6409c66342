"""The helper that types pages' commands is itself correct: its comparison can fail, and ``aws`` is the AWS CLI."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.worlds.aws_cli import loaded_aws
from tests.worlds.shells import occurs
from tests.worlds.tools import install


def test_the_shown_output_must_be_printed() -> None:
    """The comparison can fail."""
    assert occurs("a …\nend", "x\na b c\n\nend")
    assert occurs("", "anything")
    assert not occurs("a …\nend", "end\na b")
    assert not occurs("0", "")


@pytest.mark.costs(1.5, reason="five commands each load the AWS CLI")
def test_a_command_of_the_loaded_aws_cli_does_the_same_as_the_real_one() -> None:
    """It has the same output and exit code, with the shell's own folder, variables and streams."""
    typed = """
    export AWS_ACCESS_KEY_ID=AKIA0123456789EXAMPLE AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-west-1
    cd /usr
    aws configure list | grep region
    AWS_DATA_PATH=$PWD aws --version
    aws nothing 2>&1 > /dev/null | tail -n 3; echo ${PIPESTATUS[0]}
    echo '{"VpcId": "vpc-1"' | aws ec2 delete-vpc --cli-input-json file:///dev/stdin; echo $?
    aws ec2 delete-vpc --cli-input-json file://bin/nothing; echo $?
    """
    printed = []
    for folder in (loaded_aws(), install()):
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        argv = ["/bin/bash", "-c", f"exec 2>&1\n{typed}"]
        run = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=100, check=True)
        printed.append(run.stdout)
    assert "eu-west-1" in printed[0]
    assert printed[0] == printed[1]
