"""The page for Prometheus of a whole product in this process: what it counts, and that its names follow the rules."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from reading_room.agent.frames import Greeting
from reading_room.agent.spec import RESOURCES, Capacity, ContainerUsage, HostReport, HostUsage, PacketDrops
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.comprehend.endpoints.errors import EndpointThrottled
from reading_room.comprehend.tables import EndpointRow
from reading_room.database.engine import Database
from reading_room.dataplane.spec import Problem
from reading_room.hosts.listen_addresses import ListenerCertificate
from reading_room.iam.bootstrap import first_administrator
from reading_room.measures import Measures
from reading_room.metrics.state_metrics import StateMetrics
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.wiring.metrics import Metrics
from reading_room.wiring.network import HostLink
from reading_room.wiring.product import Product
from tests.worlds import databases, postgresql
from tests.worlds.waiting import eventually

ACCOUNT = "000000000001"
ENDPOINTS = f"arn:aws:comprehend:us-east-1:{ACCOUNT}:document-classifier-endpoint"
USAGE = HostUsage(7, 0.5, (ContainerUsage("job", "entities-en", 2, 300, 1.5),), (PacketDrops("refused_egress", 4),))
REPORT = HostReport("local", 1, ("vpc-1",), ("eni-1", "eni-2"), capacity=Capacity(2, 4000, 1000), usage=USAGE)
LABELS = frozenset(
    {
        *("service", "operation", "result", "decision", "engine", "destination", "reason", "kind", "phase", "outcome"),
        *("book", "certificate", "check", "role", "version", "le", "state", "target", "endpoint_arn"),
    }
)
"""The labels that exist. The values of each come from a list in the code, never from clients, accounts or documents.

Only the ARNs of model endpoints have a part that a client chose: there are no more of them than ``MOST_ENDPOINTS``.
"""
UNITS = ("_seconds", "_bytes")

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class PageWorld:
    """A product with metrics, with its link to an agent, but without sockets."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data=folder, state=folder / "state", metrics_port=1, tls="own", tls_port=2)
        self.database: Database = databases.made(folder / "db.sqlite", ACCOUNT)
        self.metrics = Metrics()
        self.link = HostLink(settings, self.database)
        self.product = Product(
            settings=settings,
            database=self.database,
            backend=memory_backend(self.database, "us-east-1", system_clock),
            engines=self.link.engines,
            host=self.link.checks,
            measures=self.metrics.measures,
        )
        first_administrator(self.database, ACCOUNT, "us-east-1", folder / "credentials", system_clock)
        self.loop = asyncio.new_event_loop()
        self.link.connect(self.product, self.loop)
        certificate = ListenerCertificate(settings, system_clock, databases.SEALER)
        certificate.context()
        self.seconds = itertools.count(0, 2)
        self.page = self.metrics.page(self.product, self.link, certificate, clock=lambda: next(self.seconds))
        self.process = InProcess(self.product.app)
        lines = (folder / "credentials").read_text().splitlines()
        profile = dict(line.split(" = ") for line in lines if " = " in line)
        self.keys = (profile["aws_access_key_id"], profile["aws_secret_access_key"])

    def client(self, service: str) -> Any:
        """Return an administrator's client."""
        return self.process.client(service, access_key_id=self.keys[0], secret_access_key=self.keys[1])

    def agent_says(self, report: HostReport) -> None:
        """Let an agent connect and report."""
        self.link._server_side.connected(Greeting())
        self.link._server_side.report(report)

    def text(self) -> str:
        """Return the page."""
        reply = asyncio.run(self.page.answer("GET", "/metrics"))
        assert reply.status == 200
        return reply.body.decode()

    def values(self) -> Values:
        """Return every sample by its name and labels."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        self.metrics.close()
        self.product.close()
        self.loop.close()
        self.database.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PageWorld]:
    """A product with metrics."""
    world = PageWorld(tmp_path)
    yield world
    world.close()


def endpoint(world: PageWorld, name: str, status: str = "IN_SERVICE") -> None:
    """Store a model endpoint with two units, as it is once its model was loaded."""
    model = f"arn:aws:comprehend:us-east-1:{ACCOUNT}:document-classifier/tickets"
    row = EndpointRow(
        arn=f"{ENDPOINTS}/{name}",
        account=ACCOUNT,
        status=status,
        model_arn=model,
        desired_model_arn=model,
        units=2,
        desired_units=2,
        digest="",
        created_at=system_clock(),
        modified_at=system_clock(),
    )
    with world.database.transaction() as session:
        session.merge(row)


def exercise(world: PageWorld) -> None:
    """Give every metric a value."""
    world.agent_says(REPORT)
    world.client("ec2").describe_vpcs()
    world.client("s3").list_buckets()
    measures: Measures = world.metrics.measures
    measures.analysed("entities-en", 2, 30)
    measures.flow_records_delivered("s3", 1)
    endpoint(world, "mail")
    world.product.units.admit(f"{ENDPOINTS}/mail", 2, 100)


def test_calls_are_counted_by_their_operation_and_whatever_clients_invent_is_other(world: PageWorld) -> None:
    ec2, s3 = world.client("ec2"), world.client("s3")
    ec2.describe_vpcs()
    ec2.describe_vpcs()
    s3.list_buckets()
    with pytest.raises(ClientError):
        s3.get_object(Bucket="none-such", Key="k")
    with pytest.raises(ClientError):
        world.client("sqs").list_queues()
    found = world.values()
    describe = (("operation", "DescribeVpcs"), ("service", "ec2"))
    assert found["reading_room_api_request_duration_seconds_count", describe] == 2
    assert found["reading_room_api_requests_total", tuple(sorted((*describe, ("result", "ok"))))] == 2
    unknown = (("operation", "other"), ("result", "refused"), ("service", "other"))
    assert found["reading_room_api_requests_total", unknown] == 1
    assert found["reading_room_s3_requests_total", (("operation", "ListBuckets"), ("result", "ok"))] == 1
    assert found["reading_room_s3_requests_total", (("operation", "GetObject"), ("result", "refused"))] == 1
    assert found["reading_room_authorization_duration_seconds_count", (("decision", "allowed"),)] >= 3
    assert "none-such" not in world.text()


def test_the_state_of_the_host_is_what_the_agent_last_reported(world: PageWorld) -> None:
    assert world.values()["reading_room_agent_connected", ()] == 0
    world.agent_says(REPORT)
    found = world.values()
    sort = (("engine", "entities-en"), ("role", "job"))
    assert found["reading_room_agent_connected", ()] == 1
    assert found["reading_room_network_interfaces", ()] == 2
    assert found["reading_room_agent_turns_total", ()] == 7
    assert found["reading_room_containers", sort] == 2
    assert found["reading_room_container_memory_bytes", sort] == 300
    assert found["reading_room_container_cpu_seconds_total", sort] == 1.5
    assert found["reading_room_packets_dropped_total", (("reason", "refused_egress"),)] == 4
    world.link._server_side.disconnected()
    assert ("reading_room_network_interfaces", ()) not in world.values()


def test_the_units_and_calls_of_each_endpoint_that_answers_are_there(world: PageWorld) -> None:
    endpoint(world, "mail")
    endpoint(world, "new", "CREATING")
    units, mail = world.product.units, f"{ENDPOINTS}/mail"
    units.admit(mail, 2, 1_200)
    with pytest.raises(EndpointThrottled):
        units.admit(mail, 2, 1)
    found = {name: value for (name, labels), value in world.values().items() if ("endpoint_arn", mail) in labels}
    calls = [world.values()[_calls(mail, result)] for result in ("admitted", "throttled")]
    assert found["reading_room_endpoint_provisioned_inference_units"] == 2
    assert found["reading_room_endpoint_consumed_inference_units"] == 1_200 / 60 / 100
    assert found["reading_room_endpoint_characters_total"] == 1_200
    assert calls == [1, 1]
    assert f"{ENDPOINTS}/new" not in world.text()


def _calls(arn: str, result: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return "reading_room_endpoint_calls_total", (("endpoint_arn", arn), ("result", result))


def test_what_the_agent_is_short_of_is_there_until_it_is_not(world: PageWorld) -> None:
    def short() -> tuple[float, float, float]:
        found = world.values()
        agent, serve = (found["reading_room_check_ok", (("check", name),)] for name in ("agent-resources", "resources"))
        return found["reading_room_agent_problems", ()], agent, serve

    world.agent_says(replace(REPORT, problems=(Problem(RESOURCES, "the agent is short of memory"),)))
    assert short() == (1, 0, 1)
    world.agent_says(REPORT)
    # The results of the checks are used for a second.
    eventually(lambda: short() == (0, 1, 1), what="the end of the shortage")


def test_sizes_certificates_and_conditions_are_there(world: PageWorld) -> None:
    world.agent_says(REPORT)
    world.client("ec2").describe_vpcs()
    assert world.product.access.trail.flush()
    found = world.values()
    assert found["reading_room_database_size_bytes", ()] > 100_000
    assert found["reading_room_trail_size_bytes", (("book", "management"),)] > 100
    assert found["reading_room_hosts", (("state", "away"),)] == 0
    year = 300 * 86_400 + system_clock().timestamp()
    for name in ("vpc_services", "vpc_authority", "https"):
        assert found["reading_room_certificate_expiry_timestamp_seconds", (("certificate", name),)] > year
    assert found["reading_room_check_ok", (("check", "database"),)] == 1
    assert found["reading_room_ready", ()] == 1
    assert found["process_open_fds", ()] > 0


@pytest.mark.costs(0.3, reason="PostgreSQL's server copies a database")
def test_the_size_of_a_database_in_postgresql_is_there(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    with postgresql.filled() as name, closing(postgresql.connected(name)) as database:
        StateMetrics(registry, Settings(data=tmp_path), database, {}).read({})
    assert (registry.get_sample_value("reading_room_database_size_bytes") or 0) > 100_000


def test_every_name_follows_prometheus_rules_and_no_label_is_unbounded(world: PageWorld) -> None:
    exercise(world)
    families = list(text_string_to_metric_families(world.text()))
    assert len(families) > 30
    for family in families:
        assert re.fullmatch(r"(reading_room|process)_[a-z0-9_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram")
        # A counter of time says so, and a histogram has a base unit.
        if family.type == "histogram":
            assert family.name.endswith(UNITS)
        for sample in family.samples:
            assert set(sample.labels) <= LABELS
            assert (family.type == "counter") == sample.name.endswith("_total")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package promtool is not installed")
def test_promtool_accepts_the_page(world: PageWorld) -> None:
    exercise(world)
    done = subprocess.run(["promtool", "check", "metrics"], input=world.text(), text=True, capture_output=True)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("reading_room")]
    assert complaints == []


def test_the_registry_is_the_worlds_own(world: PageWorld) -> None:
    other = Metrics()
    world.client("ec2").describe_vpcs()
    assert isinstance(other.registry, CollectorRegistry)
    assert other.registry.get_sample_value("reading_room_flow_records_late_total") == 0
    labels = {"service": "ec2", "operation": "DescribeVpcs"}
    assert other.registry.get_sample_value("reading_room_api_request_duration_seconds_count", labels) is None
