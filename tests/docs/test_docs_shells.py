"""The helper that types pages' commands is itself correct: it compares, and loaded programs do what real ones do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.worlds.loaded import loaded_aws, loaded_product
from tests.worlds.shells import PROGRAMS, occurs
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
    printed = [_printed(typed, folder) for folder in (loaded_aws(), install())]
    assert "eu-west-1" in printed[0]
    assert printed[0] == printed[1]


@pytest.mark.costs(1.5, reason="the program is loaded by a server, and four times by commands")
def test_a_command_of_the_loaded_product_does_the_same_as_the_real_one(tmp_path: Path) -> None:
    typed = f"""
    export READING_ROOM_DATA={tmp_path}/data COLUMNS=50
    cd /usr
    reading-room accounts list; echo $?
    READING_ROOM_PORT=none reading-room jobs watch 1; echo $?
    reading-room jobs run nothing 2>&1 > /dev/null | head -n 2; echo ${{PIPESTATUS[0]}}
    reading-room --version
    """
    printed = [_printed(typed, folder) for folder in (loaded_product(), PROGRAMS)]
    assert f"{tmp_path}/data" in printed[0]
    assert printed[0] == printed[1]


def _printed(typed: str, folder: Path) -> str:
    """Return what a shell prints that finds a program first in this folder."""
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    argv = ["/bin/bash", "-c", f"exec 2>&1\n{typed}"]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=100, check=True).stdout
