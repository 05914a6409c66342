"""The metrics of the host, from its agent's newest report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reading_room.agent.spec import HostReport, HostUsage


class HostMetrics(Collector):
    """Yields the metrics of ``report``, which returns the newest report, or ``None`` while no agent is connected.

    ``leads`` says whether this process leads: no other one has an agent. The agent counts since its own start, so its
    counters begin again with it, as Prometheus expects.
    """

    def __init__(self, report: Callable[[], HostReport | None], leads: Callable[[], bool]) -> None:
        self._report = report
        self._leads = leads

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield GaugeMetricFamily(
            "reading_room_leads", "Whether this process leads: it moves the jobs.", value=self._leads()
        )
        if not self._leads():
            return  # The agent is connected to the leader.
        report = self._report()
        connected = report is not None
        yield GaugeMetricFamily("reading_room_agent_connected", "Whether the agent has reported.", value=connected)
        if report is None:
            return
        yield GaugeMetricFamily("reading_room_vpcs", "VPCs that this host has.", value=len(report.vpcs))
        yield GaugeMetricFamily(
            "reading_room_network_interfaces",
            "Network interfaces that this host has in the kernel.",
            value=len(report.interfaces),
        )
        yield GaugeMetricFamily(
            "reading_room_agent_problems", "Problems in the agent's newest report.", value=len(report.problems)
        )
        if report.capacity is not None:
            free, memory = report.capacity.memory_free, report.capacity.memory_bytes
            yield GaugeMetricFamily("reading_room_host_memory_bytes", "Memory of this host.", value=memory)
            yield GaugeMetricFamily(
                "reading_room_host_memory_free_bytes", "Memory that programs can still get.", value=free
            )
            yield GaugeMetricFamily(
                "reading_room_host_cores", "Cores that containers may use.", value=report.capacity.cores
            )
        if report.usage is not None:
            yield from _of_usage(report.usage)


def _of_usage(usage: HostUsage) -> Iterator[Metric]:
    yield CounterMetricFamily("reading_room_agent_turns", "Turns of the agent.", value=usage.turns)
    yield CounterMetricFamily(
        "reading_room_agent_turn_seconds", "Time that the agent spent in turns.", value=usage.turn_seconds
    )
    labels = ("role", "engine")
    containers = GaugeMetricFamily("reading_room_containers", "Containers, by what they are for.", labels=labels)
    memory = GaugeMetricFamily(
        "reading_room_container_memory_bytes", "Resident memory of the processes in them.", labels=labels
    )
    cores = CounterMetricFamily(
        "reading_room_container_cpu_seconds", "Processor time of their processes; its rate is in cores.", labels=labels
    )
    for each in usage.containers:
        values = (each.role, each.engine)
        containers.add_metric(values, each.containers)
        memory.add_metric(values, each.memory_bytes)
        cores.add_metric(values, each.cpu_seconds)
    yield from (containers, memory, cores)
    dropped = CounterMetricFamily(
        "reading_room_packets_dropped",
        "Packets that VPCs dropped, by reason, as far as a flow log covers one of their ends.",
        labels=("reason",),
    )
    for drop in usage.drops:
        dropped.add_metric((drop.reason,), drop.packets)
    yield dropped
