"""The metrics, wired. Only a server that serves them imports this module."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, ProcessCollector

from reading_room.hosts.listen_addresses import ListenerCertificate
from reading_room.metrics.counted import CountedMeasures
from reading_room.metrics.endpoint_metrics import EndpointMetrics
from reading_room.metrics.host_metrics import HostMetrics
from reading_room.metrics.job_metrics import JobMetrics
from reading_room.metrics.page import MetricsPage, Read
from reading_room.metrics.state_metrics import Expiry, StateMetrics
from reading_room.metrics.trace_metrics import TraceMetrics
from reading_room.wiring.network import HostLink
from reading_room.wiring.product import Product


class Metrics:
    """A registry of its own. The product needs ``measures``, and the page then needs the product."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.measures = CountedMeasures(self.registry)
        self._page: MetricsPage | None = None

    def page(
        self,
        product: Product,
        link: HostLink,
        certificate: ListenerCertificate | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> MetricsPage:
        """Return the page, with the metrics of the server's process, the product and the host."""
        ProcessCollector(registry=self.registry)
        self.registry.register(HostMetrics(link.report, link.leads))
        self.registry.register(TraceMetrics(dict if product.traces is None else product.traces.counts))
        jobs = JobMetrics(self.registry, product.database, product.clock)
        certificates: dict[str, Expiry] = {
            "vpc_services": link.certificate_expiry,
            "vpc_authority": link.authority_expiry,
        }
        if certificate is not None:
            certificates["https"] = lambda: certificate.expires_at
        state = StateMetrics(self.registry, product.settings, product.database, certificates)
        endpoints = EndpointMetrics(self.registry, product.database, product.units)
        reads: dict[str, Read] = {
            "jobs": lambda _: jobs.read(),
            "endpoints": lambda _: endpoints.read(),
            "state": state.read,
        }
        self._page = MetricsPage(self.registry, product.probes, reads, clock=clock)
        return self._page

    def close(self) -> None:
        """Read no more."""
        if self._page is not None:
            self._page.close()
