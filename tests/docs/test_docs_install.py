"""The wheels, installed outside the repository as page and README say, run jobs; without the weights they say so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.worlds.pages import ROOT, Block, blocks, page_of
from tests.worlds.product import Product
from tests.worlds.shells import data_of, product_of, steps_of

pytestmark = [pytest.mark.boot, pytest.mark.timeout(1800)]

INSTALL, DATA, TRY, UP, RUN = [block for block in blocks(page_of("operations/install.md")) if block.commands]
(README,) = steps_of("install", "README.md")
WAYS = {"3.11": (INSTALL, DATA), "3.13": (README.block,)}
"""What is typed with each version of Python: with pinned packages, and the short way of the first screen."""
SETUP_SECONDS = 1200.0
"""A gigabyte of packages is fetched and unpacked, which takes two minutes on an idle machine."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of the last commit, without signatures and bills of materials."""
    folder = tmp_path_factory.mktemp("release")
    script = [sys.executable, str(ROOT / "scripts" / "release.py"), "packages", str(folder)]
    subprocess.run(script, check=True, capture_output=True)
    return folder


@dataclass(frozen=True)
class Installed:
    """An installation in a home of its own, and a product whose settings keep it apart from others."""

    home: Path
    release: Path
    product: Product

    def type(self, *blocks: Block, seconds: float = 300.0, fails: bool = False) -> str:
        """Type blocks of the page in the release's folder, and return what they print."""
        text = "\n".join(block.text for block in blocks)
        return self.run(text, seconds=seconds, fails=fails)

    def run(self, script: str, *, seconds: float = 300.0, fails: bool = False) -> str:
        """Run a script in the release's folder, with this home, and return what it prints."""
        done = subprocess.run(
            ["/bin/bash", "-euc", f"exec 2>&1\n{script}"],
            cwd=self.release,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout[-8000:]
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return an environment that knows nothing of the repository and of its virtual environment."""
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_")) or "proxy" in name
        }
        own = {f"READING_ROOM_{name}": value for name, value in self.product.settings.items()}
        path = f"{self.home / 'python'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return kept | own | data_of(self.product) | {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8"}


@pytest.fixture(scope="module", params=WAYS)
def installed(
    request: pytest.FixtureRequest, release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    """The wheels installed by one version of Python."""
    python = shutil.which(f"python{request.param}")
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"Python {request.param} is not installed here")
    home = tmp_path_factory.mktemp(f"home-{request.param}")
    (home / "python").mkdir()
    (home / "python" / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    (home / "python" / "python3").chmod(0o755)
    with product_of(home / "product", CONSOLE_PORT="0", STANDBY="1") as product:
        found = Installed(home, release, product)
        found.type(*WAYS[request.param], seconds=SETUP_SECONDS)
        yield found


def test_each_command_of_try_it_works_and_the_demo_shows_its_proofs(installed: Installed) -> None:
    said = installed.type(TRY, seconds=600)
    assert said.startswith("reading-room ")
    assert "Jobs can run on this machine." in said
    assert "Everything that was started has been stopped." in said
    assert f"{installed.home}/reading-room/bin/reading-room jobs run FOLDER" in said


def test_up_runs_a_job_from_another_terminal(installed: Installed) -> None:
    start_up(installed)
    installed.run("mkdir -p my-texts; echo Marie Curie was born in Warsaw. > my-texts/a.txt")
    said = installed.type(RUN)
    assert "Marie Curie" in said
    assert "PERSON" in said
    installed.product.stop()


def test_nothing_of_the_repository_is_used(installed: Installed) -> None:
    said = installed.run("""~/reading-room/bin/python -c '
import sys, reading_room, reading_room_weights
print(reading_room.__file__, reading_room_weights.__file__, *sys.path)'
""")
    assert str(ROOT) not in said


def test_without_the_weights_a_job_names_the_file_to_install_and_everything_else_works(installed: Installed) -> None:
    """The last test of an installation, because it removes a part."""
    installed.run("~/reading-room/bin/pip uninstall --quiet --yes reading-room-weights")
    said = installed.run("~/reading-room/bin/reading-room doctor", fails=True)
    assert "the package reading-room-weights is not installed" in said
    start_up(installed)
    account = installed.product.account()
    vpc = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert account.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    says = "no job can run, because the package reading-room-weights is not installed: install reading_room_weights-*"
    assert says in installed.type(RUN, fails=True)
    assert says in installed.product.log.read_text()
    assert "install reading_room_weights-*.whl of this release" in message_of_a_job(account)
    with pytest.raises(ClientError, match="No analysis can run now: the package reading-room-weights is not installed"):
        account.comprehend.detect_sentiment(Text="Good.", LanguageCode="en")
    installed.product.stop()


def message_of_a_job(account: reading.Account) -> str:
    """Run a job for which nothing is started ahead, and return the message with which it fails."""
    account.s3.create_bucket(Bucket="library")
    account.s3.put_object(Bucket="library", Key="texts/a.txt", Body=b"Marie Curie was born in Warsaw.")
    network = reading.build_network(account)
    calls = reading.JobCalls(account, "sentiment")
    job = calls.start(
        InputDataConfig={"S3Uri": "s3://library/texts/", "InputFormat": "ONE_DOC_PER_FILE"},
        OutputDataConfig={"S3Uri": "s3://library/results/"},
        DataAccessRoleArn=reading.make_reader_role(account, "reader", "library"),
        VpcConfig=network.config(),
        LanguageCode="en",
    )
    ended = calls.wait(job, seconds=300)
    assert ended["JobStatus"] == "FAILED"
    return str(ended["Message"])


def start_up(installed: Installed) -> None:
    """Type the page's block with `up`, and wait until it is ready."""
    product = installed.product
    product.launch_as(["/bin/bash", "-c", f"exec {UP.text}"], installed.release, **installed.environment())
    product.await_ready(f"http://127.0.0.1:{product.port}")
