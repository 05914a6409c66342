"""The report on the perimeter: each of the nine controls with a hole, and with the statement that closes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reading_room.cli.commands import app
from reading_room.extension.perimeter.controls import TITLES, Finding
from reading_room.extension.perimeter.report import report
from reading_room.organizations.view import CurrentOrganization
from tests.worlds.extension import ACCOUNT, REGION, ExtensionWorld, allow, policy, trust
from tests.worlds.perimeter import Perimeter

pytestmark = pytest.mark.costs(0.6, reason="the whole product is made, with an organization, a member and a stranger")


@pytest.fixture
def perimeter(tmp_path: Path) -> Iterator[Perimeter]:
    """An organization without policies of its own."""
    with closing(ExtensionWorld(tmp_path)) as world:
        yield Perimeter(world)


def found(perimeter: Perimeter) -> dict[tuple[str, str, str], Finding]:
    """Return the findings about the member's account, by what they are about."""
    database = perimeter.world.database
    organization = CurrentOrganization(database)()
    with database.reading() as session:
        findings = report(session, organization, REGION).findings
    return {(each.subject, each.perimeter, each.name): each for each in findings if each.account == perimeter.member}


def make_role(perimeter: Perimeter) -> str:
    """Make a role that everybody may assume, and that may do everything; return its ARN."""
    iam = perimeter.world.client("iam", perimeter.keys)
    made = iam.create_role(RoleName="jobs", AssumeRolePolicyDocument=trust({"AWS": "*"}))["Role"]
    iam.put_role_policy(RoleName="jobs", PolicyName="all", PolicyDocument=policy(allow("*")))
    return str(made["Arn"])


def close(perimeter: Perimeter, finding: Finding) -> None:
    """Do what the report says to close a hole."""
    assert finding.remedy is not None
    statement = finding.remedy.statement
    if statement is None:
        assert finding.remedy.command is not None
        words = finding.remedy.command.split()
        assert words[:3] == ["aws", "ec2", "delete-route"]
        ec2 = perimeter.world.client("ec2", perimeter.keys)
        ec2.delete_route(RouteTableId=words[4], DestinationCidrBlock=words[6])
    elif finding.subject == "endpoint":
        perimeter.filter(dict(statement))
    else:
        kind = "SERVICE_CONTROL_POLICY" if "service control" in finding.remedy.where else "RESOURCE_CONTROL_POLICY"
        perimeter.attach(kind, dict(statement))


def open_route(perimeter: Perimeter) -> None:
    """Route the member's VPC to the internet."""
    ec2, (vpc, _) = perimeter.world.client("ec2", perimeter.keys), perimeter.endpoint
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    only = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=only)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def test_every_hole_is_found_and_its_remedy_closes_it(perimeter: Perimeter) -> None:
    role, (_, endpoint) = make_role(perimeter), perimeter.endpoint
    open_route(perimeter)
    names = {"bucket": "ours", "role": role, "endpoint": endpoint}
    before = found(perimeter)
    for subject, control in TITLES:
        finding = before[subject, control, names[subject]]
        if (subject, control) == ("bucket", "resources"):
            assert finding.state == "enforced"
            continue
        assert finding.state == "open", finding
        close(perimeter, finding)
        assert found(perimeter)[subject, control, names[subject]].state == "enforced", finding
    assert {each.state for each in found(perimeter).values()} == {"enforced"}
    # The perimeter lets ours through: from the endpoint of the member, to its bucket.
    s3 = perimeter.s3(perimeter.keys, perimeter.endpoint)
    assert s3.get_object(Bucket="ours", Key="a")["Body"].read() == b"text"


def test_what_nobody_is_granted_but_nothing_denies_is_unenforced(perimeter: Perimeter) -> None:
    perimeter.s3(perimeter.keys).delete_bucket_policy(Bucket="ours")
    findings = found(perimeter)
    assert findings["bucket", "identities", "ours"].state == "unenforced"
    role = f"arn:aws:iam::{perimeter.member}:role/OrganizationAccountAccessRole"
    assert findings["role", "identities", role].state == "unenforced"


def test_the_reason_names_the_policy_and_its_level(perimeter: Perimeter) -> None:
    close(perimeter, found(perimeter)["bucket", "identities", "ours"])
    because = found(perimeter)["bucket", "identities", "ours"].because
    assert because.startswith("statement 'OnlyTrustedIdentities' of resource control policy p-")
    assert because.endswith(f"attached to {perimeter.root}")


def test_buckets_outside_of_the_organizations_reach(perimeter: Perimeter) -> None:
    database = perimeter.world.database
    organization = CurrentOrganization(database)()
    with database.reading() as session:
        findings = {(each.perimeter, each.name): each for each in report(session, organization, REGION).findings}
    theirs, managements = findings["resources", "theirs"], findings["resources", "papers"]
    assert (theirs.state, managements.state) == ("open", "open")
    assert managements.account == ACCOUNT
    assert theirs.remedy is not None
    assert "invite-account-to-organization" in str(theirs.remedy.command)


def test_the_command_prints_a_matrix_and_what_closes_each_hole(perimeter: Perimeter) -> None:
    folder = str(perimeter.world.folder)
    shown = CliRunner().invoke(app, ["access", "perimeter", "--data", folder, "--account", perimeter.member])
    assert shown.exit_code == 1
    assert perimeter.id in shown.output
    assert "Not everywhere: only trusted identities reach the bucket" in shown.output
    assert '"aws:PrincipalOrgID"' in shown.output
    as_json = CliRunner().invoke(app, ["access", "perimeter", "--data", folder, "--json"])
    document: dict[str, Any] = json.loads(as_json.output)
    assert document["organization"] == perimeter.id
    assert {each["control"] for each in document["findings"]} == set(TITLES.values())
