"""The configuration on Terraform's page, simulated as the provider would run it: created, changed, used, destroyed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.iam.credentials_file import write_key
from tests.docs.terraform_access import TYPES, kinds_of
from tests.docs.terraform_provider import Provider, require
from tests.docs.terraform_world import Arguments, Configuration, NotKnown, Play, Resource, State, configuration_of
from tests.worlds.own_account import own_account
from tests.worlds.pages import DOCS, blocks
from tests.worlds.product import Product
from tests.worlds.shells import by_default, steps_of, wrong_in
from tests.worlds.waiting import eventually

PAGE = "how-to/terraform.md"
BLOCKS = [block for block in blocks(DOCS / PAGE) if block.language == "hcl"]
TEXT = "\n".join(block.text for block in BLOCKS)
READ_ONLY = """
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = ["s3:GetObject", "s3:ListBucket"], Resource = "*" }]
  })
"""
CHANGES: tuple[tuple[str, str, dict[str, set[str]]], ...] = (
    (
        'cidr_block           = "10.0.0.0/16"',
        'cidr_block = "10.0.0.0/16"\n tags = { Name = "jobs" }',
        {"aws_vpc.jobs": {"tags"}},
    ),
    ("enable_dns_hostnames = true", "enable_dns_hostnames = false", {"aws_vpc.jobs": {"enable_dns_hostnames"}}),
    (
        'cidr_block = "10.0.1.0/24"',
        'cidr_block = "10.0.1.0/24"\n tags = { Name = "a", Team = "b" }',
        {"aws_subnet.jobs": {"tags"}},
    ),
    (
        'service_name    = "com.amazonaws.us-east-1.s3"',
        f'service_name = "com.amazonaws.us-east-1.s3"\n{READ_ONLY}',
        {"aws_vpc_endpoint.s3": {"policy"}},
    ),
    ("from_port       = 443", "from_port = 80", {"aws_security_group.readers": {"egress"}}),
    (
        'bucket        = "library"',
        'bucket = "library"\n tags = { Team = "b" }',
        {"aws_s3_bucket.library": {"tags"}},
    ),
    ('name = "reader"\n', 'name = "reader"\n tags = { Team = "b" }\n', {"aws_iam_role.reader": {"tags"}}),
    ('"s3:PutObject", ', "", {"aws_iam_role_policy.access": {"policy"}}),
)
"""Changes of the page's text, and the arguments that a plan must report for each."""


@pytest.fixture
def keys(product: Product, tmp_path: Path) -> Iterator[Path]:
    """A folder with the credentials of a separate account, in which the test checks that nothing at all is left."""
    with own_account(product) as account:
        endpoint = account.endpoint
        write_key(
            tmp_path / "credentials", "default", endpoint.access_key_id, endpoint.secret_access_key, endpoint.region
        )
        yield tmp_path


def changed(text: str, old: str, new: str) -> str:
    """Return a text with one change."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def at(product: Product, keys: Path, text: str) -> Configuration:
    """Return a page's configuration for this product: its address, a key, and a bucket that no other page has."""
    text = text.replace("http://127.0.0.1:4566", f"http://127.0.0.1:{product.port}")
    text = text.replace("~/.local/share/reading-room", str(keys))
    return configuration_of(re.sub(r'(\bbucket += )"library"', r'\1"terraform-library"', text))


def run_a_job(product: Product, keys: Path, provider: Provider, outputs: dict[str, str]) -> None:
    """Type the page's commands. Terraform is not here, so a shell function in its place prints the outputs."""
    for name, value in outputs.items():
        (keys / f"output-{name}").write_text(value)
    before = 'terraform() { [ "$1 $2" = "output -raw" ] && cat "/tmp/output-$3"; }'
    steps = [step for step in steps_of("terraform", PAGE) if step.block.language == "sh"]
    more = by_default(product) | {"AWS_SHARED_CREDENTIALS_FILE": str(keys / "credentials")}
    assert not (wrong := wrong_in(steps, product, keys, before=before, more=more)), "\n\n".join(wrong)
    (job,) = provider.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]

    def over() -> str:
        steps = provider.comprehend.describe_entities_detection_job(JobId=job["JobId"])
        now = steps["EntitiesDetectionJobProperties"]
        assert now["JobStatus"] not in ("FAILED", "STOPPED"), now.get("Message")
        return now["JobStatus"] if now["JobStatus"] == "COMPLETED" else ""

    eventually(over, 300, "COMPLETED")
    config: Any = job["VpcConfig"]
    assert config == {"SecurityGroupIds": [outputs["security_group"]], "Subnets": [outputs["subnet"]]}
    written = provider.s3.list_objects_v2(Bucket=outputs["bucket"], Prefix="out/")["Contents"]
    assert [each["Key"].rpartition("/")[2] for each in written if each["Key"].endswith(".gz")] == ["output.tar.gz"]


@pytest.mark.costs(8, reason="a configuration is planned and applied ten times, and a job runs")
@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_the_configuration_is_created_used_changed_and_destroyed(product: Product, keys: Path) -> None:
    """A second plan finds no changes, a change finds only itself, and nothing is left at the end."""
    configuration = at(product, keys, TEXT)
    provider = Provider(configuration)
    play = Play(kinds_of(provider))
    assert set(play.plan(configuration)) == set(configuration.resources)
    play.apply(configuration)
    assert play.plan(configuration) == {}
    outputs = play.outputs(configuration)
    assert outputs["role"] == f"arn:aws:iam::{provider.account}:role/reader"
    run_a_job(product, keys, provider, outputs)
    assert play.plan(configuration) == {}
    text = TEXT
    for old, new, differs in CHANGES:
        text = changed(text, old, new)
        configuration = at(product, keys, text)
        assert play.plan(configuration) == differs
        play.apply(configuration)
        assert play.plan(configuration) == {}
    play.destroy()
    assert play.states == {}
    assert [role["RoleName"] for role in provider.iam.list_roles(PathPrefix="/")["Roles"]] == []
    assert provider.s3.list_buckets()["Buckets"] == []


def test_each_resource_comes_after_those_that_it_refers_to() -> None:
    """Also if the page has them in another order."""
    pages = [each.address for each in configuration_of(TEXT).in_order()]
    assert set(pages) == set(configuration_of(TEXT).resources)
    assert {configuration_of(TEXT).resources[each].kind for each in pages} == set(TYPES)
    found = [
        each.address
        for each in configuration_of(
            """
            resource "a" "third"  { of = [a.second.id, "${a.first.id}/*"] }
            resource "a" "second" { of { it = jsonencode({ Of = a.first.arn }) } }
            resource "a" "first"  { of = "a.third.id" }
            """
        ).in_order()
    ]
    assert found == ["a.first", "a.second", "a.third"]


class Shelf(Resource):
    """A resource for these tests: it reads one argument, and keeps what it was given."""

    in_place = frozenset({"books"})
    kept: State
    requests: list[str]

    def __init__(self) -> None:
        """Start without calls."""
        self.requests = []

    def create(self, wanted: Arguments) -> str:
        """Keep it."""
        self.kept = {"id": "shelf-1", "books": wanted.get("books")}
        return "shelf-1"

    def read(self, identity: str, wanted: Arguments) -> State:
        """Return what is kept."""
        return dict(self.kept)

    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Keep the new value."""
        self.requests += sorted(changed)
        self.kept["books"] = wanted.get("books")

    def delete(self, state: State) -> None:
        """Forget it."""
        self.requests.append(f"delete {state['id']}")


def shelf(books: str = "books = 3", more: str = "") -> Configuration:
    """Return a configuration with a shelf."""
    return configuration_of(f'resource "shelf" "one" {{\n{books}\n{more}\n}}')


def test_a_plan_finds_differences_and_an_apply_removes_them() -> None:
    """Whether the configuration was changed, or the resource without it."""
    play, made = Play({"shelf": lambda: made}), Shelf()
    play.apply(shelf())
    assert play.plan(shelf()) == {}
    assert play.plan(shelf("books = 4")) == {"shelf.one": {"books"}}
    made.kept["books"] = 5
    assert play.plan(shelf()) == {"shelf.one": {"books"}}
    play.apply(shelf())
    assert (made.requests, made.kept["books"], play.plan(shelf())) == (["books"], 3, {})
    play.destroy()
    assert (made.requests[-1], play.states) == ("delete shelf-1", {})


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (shelf(more='color = "red"'), "nobody reads"),
        (shelf(more="board {\n wood = true\n}"), "nobody reads"),
        (configuration_of('resource "desk" "one" {}'), "a resource of type desk"),
        (shelf("books = shelf.two.books"), "not declared"),
        (shelf("books = 1 + 2"), "no value"),
        (shelf('books = file("a.json")'), "no value"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_unknown_construct_fails(configuration: Configuration, said: str) -> None:
    """So that nothing on the page is left out silently."""
    with pytest.raises(NotKnown, match=said):
        Play({"shelf": Shelf}).apply(configuration)


@pytest.mark.parametrize("text", ['data "aws_vpc" "one" {}', 'provider "google" {}', "locals {\n a = 1\n}"])
def test_a_block_of_an_unknown_type_fails(text: str) -> None:
    """The page has none of these."""
    with pytest.raises(NotKnown, match="a block"):
        configuration_of(text)


def test_an_attribute_that_a_resource_does_not_have_fails() -> None:
    """A mistyped reference has no value."""
    play = Play({"shelf": Shelf})
    text = 'resource "shelf" "one" {\n books = 1\n}\nresource "shelf" "two" {\n books = shelf.one.pages\n}'
    with pytest.raises(NotKnown, match=r"shelf\.one has no pages"):
        play.apply(configuration_of(text))


def test_an_argument_that_cannot_be_changed_in_place_fails() -> None:
    """The provider would replace the resource."""
    made = Shelf()
    play = Play({"shelf": lambda: made})
    play.apply(shelf())
    made.in_place = frozenset()  # type: ignore[misc]
    with pytest.raises(AssertionError, match="would replace it"):
        play.apply(shelf("books = 4"))


def test_a_service_that_the_page_does_not_name_is_not_called(tmp_path: Path) -> None:
    """With the key of Reading Room, the request would go to AWS."""
    key = tmp_path / "credentials"
    text = changed(TEXT, "~/.local/share/reading-room/credentials", str(key))
    with pytest.raises(AssertionError, match="none of the files has a key"):
        Provider(configuration_of(text))
    key.write_text("[default]\naws_access_key_id = AKIA0123456789EXAMPLE\naws_secret_access_key = none\n")
    with pytest.raises(AssertionError, match="sts would be called at AWS"):
        Provider(configuration_of(changed(text, '    sts        = "http://127.0.0.1:4566"\n', "")))


def test_the_page_allows_no_version_that_needs_a_missing_api() -> None:
    """Newer ones read a bucket's tags from S3 Control."""
    require(configuration_of(TEXT).terraform)
    with pytest.raises(AssertionError):
        require(configuration_of(changed(TEXT, '"< 6.23.0"', '"< 6.24.0"')).terraform)
