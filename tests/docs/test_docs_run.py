"""The commands of the pages do what the pages say, typed into one shell after the other, against one product."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from pages_world import DOCS, ROOT, Block, blocks, elsewhere
from product_world import Product
from tool_world import aws_folder

from reading_room.cli import reading

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]

PROGRAMS = Path(sys.executable).parent
MARK = "=====next block====="
SHELL_SECONDS = 600.0
"""For a machine that runs much else; alone it takes a tenth of that."""

EXAMPLES = {
    "vpc-0123456789abcdef0": "$VPC",
    "sg-0123456789abcdef0": "$GROUP",
    "eni-0123456789abcdef0": "$ENI",
    "eni-0fedcba9876543210": "$OTHER",
    "vpce-0123456789abcdef0": "$ENDPOINT",
    "pl-0123456789abcdef0": "$LIST",
    "nip-0123456789abcdef0": "$WAY",
    "JOB_ID": "$JOB",
}
"""What the pages of features have as examples, and the variables that hold the like here."""
MADE = """
mkdir -p /tmp/texts; echo "Marie Curie was born in Warsaw." > /tmp/texts/a.txt; reading-room jobs run /tmp/texts
q() { aws "${@:1:$#-1}" --query "${@: -1}" --output text; }
JOB=$(q comprehend list-entities-detection-jobs EntitiesDetectionJobPropertiesList[-1].JobId)
VPC=$(q ec2 describe-vpcs --filters Name=tag-key,Values=reading-room:jobs-run Vpcs[0].VpcId)
SUBNET=$(q ec2 describe-subnets --filters Name=vpc-id,Values=$VPC Subnets[0].SubnetId)
GROUP=$(q ec2 describe-security-groups --filters Name=vpc-id,Values=$VPC SecurityGroups[0].GroupId)
ENI=$(q ec2 create-network-interface --subnet-id $SUBNET --groups $GROUP NetworkInterface.NetworkInterfaceId)
OTHER=$(q ec2 create-network-interface --subnet-id $SUBNET --groups $GROUP NetworkInterface.NetworkInterfaceId)
ENDPOINT=$(q ec2 create-vpc-endpoint --vpc-endpoint-type Interface --no-private-dns-enabled --vpc-id $VPC \
    --service-name com.amazonaws.us-east-1.logs --subnet-ids $SUBNET --security-group-ids $GROUP \
    VpcEndpoint.VpcEndpointId)
LIST=$(q ec2 create-managed-prefix-list --prefix-list-name office --max-entries 1 --address-family IPv4 \
    --entries Cidr=10.9.0.0/16 PrefixList.PrefixListId)
WAY=$(q ec2 create-network-insights-path --source $ENI --destination $ENDPOINT --protocol tcp \
    NetworkInsightsPath.NetworkInsightsPathId)
aws s3 mb s3://records; echo | aws s3 cp - s3://records/AWSLogs/first
"""
"""Makes them, typed before the pages of features, whose blocks stand alone. Listing where nothing is yet fails."""


def blocks_of(shell: str, page: str) -> list[tuple[Block, str]]:
    """Return the blocks of a page that a shell runs, each with what the page says that it prints."""
    row = elsewhere().get(page)
    found: list[tuple[Block, str]] = []
    number = 0
    runs = False
    for block in blocks(DOCS / page):
        if block.commands:
            runs = block.what == shell if row is None else row.run == shell and number not in row.skip
            number += 1
            if runs:
                found.append((block, ""))
        elif block.language == "text" and runs:
            found[-1] = (found[-1][0], block.text)
    return found


def typed(block: Block, product: Product, scratch: Path) -> str:
    """Return a block as it is typed here: at this product's address, with the programs and the folder of this test.

    The tutorial waits five seconds for a job, which is not enough on a machine that runs other tests.
    """
    url = f"http://127.0.0.1:{product.port}"
    text = block.text
    for theirs, ours in (
        ("/tmp/", f"{scratch}/"),
        ("$PWD/.venv/bin", str(PROGRAMS)),
        (".venv/bin", str(PROGRAMS)),
        ("http://127.0.0.1:4566", url),
        ("READING_ROOM_PORT=4566", f"READING_ROOM_PORT={product.port}"),
        ("~/.local/share/reading-room", str(product.data)),
        ("sleep 5\n", "reading-room jobs watch $JOB || true\n"),
    ):
        text = text.replace(theirs, ours)
    if block.page.startswith("vpc/"):
        for example, made in EXAMPLES.items():
            text = text.replace(example, made)
    if block.language == "python":
        return f"python - <<'END OF BLOCK'\n{text}\nEND OF BLOCK"
    return text


def occurs(said: str, printed: str) -> bool:
    """Whether lines occur one after the other; ``…`` stands for anything, and any blanks for those of a terminal."""
    pattern = ".*?".join(re.escape(part.strip()) for part in said.split("…"))
    return re.search(re.sub(r"(\\\s)+", r"\\s+", pattern), printed, re.DOTALL) is not None


def wrong_in(
    shell: str, pages: Sequence[str], product: Product, scratch: Path, *, before: str = "", **more: str
) -> list[str]:
    """Type the blocks of pages into one shell; return those that end badly or print something else than said."""
    told = [each for page in pages for each in blocks_of(shell, page)]
    assert told
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "READING_ROOM_"))}
    environment |= {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    path = f"{PROGRAMS}:{aws_folder()}:{os.environ['PATH']}"
    environment |= {"PATH": path, "TMPDIR": str(scratch), "COLUMNS": "400"} | more
    script = "\n".join(f"{typed(block, product, scratch)}\necho; echo '{MARK}'" for block, _ in told)
    run = subprocess.run(
        ["/bin/bash", "-e", "-c", f"exec 2>&1\n{before}\n{script}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
    )
    *printed, rest = run.stdout.split(f"{MARK}\n")
    wrong = [
        f"{block}\n{block.text}\nsaid:\n{said}\nprinted:\n{output}"
        for (block, said), output in zip(told, printed, strict=False)
        if not occurs(said, output)
    ]
    if len(printed) < len(told):
        block = told[len(printed)][0]
        wrong.append(f"{block} ended the shell with {run.returncode}\n{block.text}\nprinted:\n{rest}")
    return wrong


@contextmanager
def product_of(folder: Path, **settings: str) -> Iterator[Product]:
    """Yield a product that is not started; end whatever is left of it."""
    folder.mkdir()
    product = Product(folder, **settings)
    try:
        yield product
    finally:
        product.clear()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product."""
    with product_of(tmp_path_factory.mktemp("documents") / "product") as found:
        found.start()
        yield found


def by_default(product: Product) -> dict[str, str]:
    """Return the environment that the pages begin with, at this product."""
    return {
        "READING_ROOM_DATA": str(product.data),
        "READING_ROOM_PORT": str(product.port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{product.port}",
        "AWS_SHARED_CREDENTIALS_FILE": str(product.data / "credentials"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
    }


def test_the_tutorial_the_guide_and_how_to_keep_data_in(product: Product, tmp_path: Path) -> None:
    """Each goes on where the one before it ended, in one shell; the tutorial's jobs end as it says."""
    told = ("tutorial.md", "guide.md", "how-to/keep-data-in.md")
    assert not (wrong := wrong_in("walk", told, product, tmp_path, **by_default(product))), "\n\n".join(wrong)
    jobs = reading.Account(product.endpoint()).comprehend.list_entities_detection_jobs()
    found = sorted(jobs["EntitiesDetectionJobPropertiesList"], key=lambda job: job["SubmitTime"])
    assert [(job["JobStatus"], job.get("Message", "").partition(":")[0]) for job in found] == [
        ("COMPLETED", ""),
        ("FAILED", "NO_ROUTE_TO_STORAGE"),
        ("FAILED", "NO_WRITE_ACCESS_TO_OUTPUT"),
        ("COMPLETED", ""),
        ("COMPLETED", ""),
    ]


def test_how_to_bring_policies(product: Product, tmp_path: Path) -> None:
    """From a file of AWS's to a denial that is explained."""
    assert not (
        wrong := wrong_in("policies", ("how-to/bring-policies.md",), product, tmp_path, **by_default(product))
    ), "\n\n".join(wrong)


def test_how_to_see_each_feature_of_a_vpc(product: Product, tmp_path: Path) -> None:
    """Each page's commands end well, with ids that there are in place of its examples."""
    pages = [page for page, row in elsewhere().items() if row.run == "features"]
    before = MADE.replace("/tmp/", f"{tmp_path}/")
    wrong = wrong_in("features", pages, product, tmp_path, before=before, **by_default(product))
    assert not wrong, "\n\n".join(wrong)


def test_how_to_use_it_in_ci(tmp_path: Path) -> None:
    """The page starts and ends products of its own, with user ids that no other product has."""
    with product_of(tmp_path / "ci") as product:
        assert not (wrong := wrong_in("ci", ("how-to/ci.md",), product, tmp_path)), "\n\n".join(wrong)


def test_what_is_said_must_be_printed() -> None:
    """The comparison can fail."""
    assert occurs("a …\nend", "x\na b c\n\nend")
    assert occurs("", "anything")
    assert not occurs("a …\nend", "end\na b")
    assert not occurs("0", "")
