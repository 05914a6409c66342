"""``network trace`` as a person uses it: a database, a question, and an answer hop by hop with ids."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.database.engine import Database
from reading_room.vpc.addressing import dhcp_options, prefix_lists, subnets
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.gateways import elastic_addresses, internet_gateways
from reading_room.vpc.groups import security_groups
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import (
    DhcpOptions,
    GatewayHost,
    NetworkInterface,
    Route,
    RouteTable,
    SecurityGroupRule,
    VpcEndpoint,
)
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds import databases
from tests.worlds.several_hosts import add_host

ACCOUNT, REGION = "000000000001", "us-east-1"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@dataclass
class Site:
    """A VPC with two attached interfaces in two subnets, an S3 endpoint and an internet gateway."""

    folder: Path
    vpc: str
    sender: str
    receiver: str
    group: str
    table: str
    endpoint: str
    gateway: str
    public: str

    def trace(self, *arguments: str, code: int = 0) -> str:
        """Run the command and return what it printed."""
        result = CliRunner().invoke(commands.app, ["network", "trace", *arguments, "--data", str(self.folder)])
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *arguments: str) -> Any:
        """Run the command for a program."""
        return json.loads(self.trace(*arguments, "--json"))

    def database(self) -> Database:
        """Open the database to change it."""
        return Database.open(self.folder / "db.sqlite")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site; no test in this file changes it permanently."""
    folder = tmp_path_factory.mktemp("site")
    database = databases.made(folder / "db.sqlite")
    with database.transaction() as session:
        options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
        vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options)
        table = session.scalars(select(RouteTable.route_table_id).where(RouteTable.vpc_id == vpc.vpc_id)).one()
        group = security_groups.create(session, vpc, "open", "open", NOW).group_id
        session.add(
            SecurityGroupRule(
                rule_id="sgr-00000000000000001", account=ACCOUNT, group_id=group, is_egress=False, protocol="tcp",
                from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0",
            )
        )  # fmt: skip
        interfaces = []
        for number in (1, 2):
            subnet = subnets.create(session, vpc, f"10.0.{number}.0/24", zones_of(REGION)[0], NOW)
            made = network_interfaces.create(session, ACCOUNT, subnet, [group], NOW, requester_id=ACCOUNT)
            made.host, made.container_id = "local", f"container-{number}"
            interfaces.append(made.interface_id)
        endpoint = endpoints.create(
            session, vpc, REGION, prefix_lists.s3_service_name(REGION), [table], None, NOW
        ).vpc_endpoint_id
        gateway = internet_gateways.create(session, ACCOUNT, NOW).internet_gateway_id
        internet_gateways.attach(session, ACCOUNT, gateway, vpc.vpc_id)
        session.add(Route(route_table_id=table, destination="0.0.0.0/0", target=gateway))
        elastic = elastic_addresses.allocate(session, ACCOUNT, elastic_addresses.DEFAULT_POOL, NOW)
        elastic.association_id = "eipassoc-00000000000000001"
        elastic.interface_id = interfaces[1]
        elastic.private_address = session.get_one(NetworkInterface, interfaces[1]).address
        public = elastic.public_ip
        vpc_id = vpc.vpc_id
    database.close()
    return Site(folder, vpc_id, interfaces[0], interfaces[1], group, table, endpoint, gateway, public)


def test_both_directions_between_interfaces_are_shown_with_the_deciding_rules(site: Site) -> None:
    shown = site.trace(site.sender, f"{site.receiver}:22")
    assert shown.splitlines()[0] == f"delivered {site.receiver}"
    there, back = shown.split("The way there:")[1].split("The way back:")
    assert f"{site.group} lets it pass {site.receiver} by sgr-00000000000000001 (ingress)" in there
    assert f"{site.group} lets it pass {site.receiver}, as an answer (ingress)" in back
    assert "Rules met" in back


def test_with_several_hosts_the_hosts_on_the_way_are_named_and_their_rules_shown(site: Site, tmp_path: Path) -> None:
    moved = replace(site, folder=tmp_path)
    shutil.copyfile(site.folder / "db.sqlite", tmp_path / "db.sqlite")
    database = moved.database()
    with database.transaction() as session:
        for number, host in enumerate(("local", "second"), 1):
            add_host(session, host, number)
        session.get_one(NetworkInterface, site.receiver).host = "second"
        session.add(GatewayHost(vpc_id=site.vpc, host="second", fence=1))
    database.close()
    shown = moved.trace(site.sender, f"{site.receiver}:22")
    assert "From the host local to second" in shown
    assert "the host of the receiver" in shown.split("Rules met")[1]
    assert moved.json(site.gateway, f"{site.public}:22")["hosts"] == ["second", "second"]
    assert "hosts" not in site.json(site.sender, f"{site.receiver}:22")


def test_the_reason_for_a_refusal_is_shown(site: Site) -> None:
    shown = site.trace(site.sender, f"{site.receiver}:23")
    assert shown.startswith("refused-ingress")
    assert "add one with AuthorizeSecurityGroupIngress" in shown
    assert f"{site.receiver}: no ingress rule of its groups allows it" in shown
    assert "The way back" not in shown


def test_a_name_is_resolved_as_the_vpc_s_resolver_would(site: Site) -> None:
    shown = site.trace(site.sender, f"papers.s3.{REGION}.amazonaws.com")
    assert shown.startswith(f"delivered {site.endpoint}")
    assert (
        f"the resolver of {site.vpc} says that papers.s3.{REGION}.amazonaws.com is {prefix_lists.S3_ADDRESS}" in shown
    )
    assert f"{site.table} sends {prefix_lists.S3_PREFIX_LIST_ID} to {site.endpoint}" in shown
    missing = site.json(site.sender, "example.com:443")
    assert missing["outcome"] == "unnamed"
    assert "NXDOMAIN" in missing["reasons"][0]["message"]


def test_names_are_not_guessed_if_the_vpc_uses_its_own_servers(site: Site) -> None:
    database = site.database()
    with database.transaction() as session:
        for row in session.scalars(select(DhcpOptions)):
            row.options = {**row.options, "domain-name-servers": ["10.0.1.53"]}
    try:
        assert "10.0.1.53: ask there" in site.trace(site.sender, f"s3.{REGION}.amazonaws.com")
    finally:
        with database.transaction() as session:
            for row in session.scalars(select(DhcpOptions)):
                row.options = {**row.options, "domain-name-servers": [dhcp_options.AMAZON_DNS]}
        database.close()


def test_an_endpoint_is_a_destination(site: Site) -> None:
    answer = site.json(site.sender, site.endpoint)
    assert (answer["outcome"], answer["delivered_to"]) == ("delivered", site.endpoint)
    assert [hop["kind"] for hop in answer["forward"]] == ["interface", "egress", "route-table", "endpoint"]
    assert [hop["kind"] for hop in answer["back"]] == ["endpoint", "egress", "interface"]


@pytest.mark.parametrize("source", ["gateway", "192.0.2.9"])
def test_from_outside_the_gateway_translates_both_ways(site: Site, source: str) -> None:
    answer = site.json(site.gateway if source == "gateway" else source, f"{site.receiver}:22")
    assert (answer["outcome"], answer["delivered_to"], answer["answered"]) == ("delivered", site.receiver, True)
    assert answer["address"] == site.public
    first, last = answer["forward"][0], answer["back"][-1]
    assert first["component_id"] == last["component_id"] == site.gateway
    assert first["destination"] != site.public
    assert last["source"] == site.public
    assert answer["back"][-2]["component_id"] == site.table
    shown = site.trace(source if source != "gateway" else site.gateway, f"{site.public}:22")
    assert f"destination {site.public} becomes {first['destination']}" in shown


def test_an_unattached_interface_is_traced_as_if_it_were_attached(site: Site) -> None:
    database = site.database()
    with database.transaction() as session:
        row = session.get_one(NetworkInterface, site.sender)
        row.container_id = None
    try:
        shown = site.trace(site.sender, f"{site.receiver}:22")
        assert shown.startswith("no-wire")
        assert f"If it were attached:\ndelivered {site.receiver}" in shown
    finally:
        with database.transaction() as session:
            session.get_one(NetworkInterface, site.sender).container_id = "container-1"
        database.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eni-0123456789abcdef0", "192.0.2.1:1"), "no interface eni-0123456789abcdef0"),
        (("igw-0123456789abcdef0", "192.0.2.1:1"), "no internet gateway igw-0123456789abcdef0"),
        (("nobody", "192.0.2.1:1"), "nobody: expected eni-…, igw-…, or an address outside"),
        (("192.0.2.1", "eni-0123456789abcdef0:22"), "eni-0123456789abcdef0 does not exist"),
        (("192.0.2.1", "example.com:22"), "names are resolved inside a VPC"),
        (("192.0.2.1", "igw-0123456789abcdef0:22"), "give one beyond the gateway"),
    ],
)
def test_what_does_not_exist_is_named(site: Site, arguments: tuple[str, str], said: str) -> None:
    assert said in " ".join(site.trace(*arguments, code=1).split())


def test_a_plan_needs_a_running_product(site: Site) -> None:
    result = CliRunner().invoke(commands.app, ["network", "plan", "--data", str(site.folder)])
    assert result.exit_code == 1
    assert "nothing runs on" in " ".join(result.output.split())
    nowhere = CliRunner().invoke(commands.app, ["network", "plan", "--data", str(site.folder / "nowhere")])
    assert nowhere.exit_code == 1
    assert "nowhere/db.sqlite cannot be read" in "".join(nowhere.output.split("\n"))


def _set_policy(site: Site, policy: dict[str, Any]) -> None:
    database = site.database()
    with database.transaction() as session:
        session.get_one(VpcEndpoint, site.endpoint).policy = json.dumps(policy)
    database.close()


@pytest.mark.costs(0.2, reason="several commands read the database")
def test_an_open_endpoint_causes_a_warning_and_the_printed_policy_is_closed(site: Site) -> None:
    ends = (site.sender, "s3.us-east-1.amazonaws.com")
    (warning,) = site.json(*ends)["warnings"]
    assert warning.startswith(f"the policy of {site.endpoint} (statement 1) lets in requests from every account")
    assert "warning: the policy of" in site.trace(*ends)
    printed = CliRunner().invoke(
        commands.app, ["network", "endpoint-policy", "--bucket", "papers", "--bucket", "results"]
    )
    assert printed.exit_code == 0, printed.output
    _set_policy(site, json.loads(printed.output))
    try:
        assert site.json(*ends)["warnings"] == []
        assert "warning" not in site.trace(*ends)
    finally:
        _set_policy(site, json.loads(endpoints.DEFAULT_POLICY))
    assert site.json(site.sender, f"{site.receiver}:22")["warnings"] == []


def test_an_endpoint_accepts_the_printed_policy_which_names_its_account(site: Site) -> None:
    arguments = ["network", "endpoint-policy", "--bucket", "papers", "--account", "111122223333"]
    printed = CliRunner().invoke(commands.app, arguments).output
    assert endpoints.checked_policy(printed, "Gateway") == printed
    first = json.loads(printed)["Statement"][0]
    assert first["Resource"] == ["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"]
    assert first["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}
    refused = CliRunner().invoke(commands.app, [*arguments[:-1], "mine"])
    assert refused.exit_code == 1
