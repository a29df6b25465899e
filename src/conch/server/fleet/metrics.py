"""What a monitor reads of a gateway, by upstream server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from conch.server.fleet.upstream import Upstream
from conch.server.metrics import FIRST

Outcome = Literal["answered", "failed", "refused", "lost", "cancelled"]
"""`refused`: it was too busy, or about to end. `lost`: it went away, before or in the middle of an answer."""


class FleetMetrics:
    """Counts of one gateway."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "conch_upstream_requests",
            "Requests handed on, by how they ended",
            ["upstream", "outcome"],
            registry=self.registry,
        )
        self.first = Histogram(
            "conch_upstream_first_byte_seconds",
            "From handing a request on to the first byte of its answer",
            ["upstream"],
            buckets=FIRST,
            registry=self.registry,
        )
        self.refused = Counter(
            "conch_gateway_refused", "Requests sent away as too many were in hand", registry=self.registry
        )
        self._up = Gauge("conch_upstream_up", "Whether it answers", ["upstream"], registry=self.registry)
        self._running = Gauge(
            "conch_upstream_requests_running",
            "Requests that it is at work on",
            ["upstream"],
            registry=self.registry,
        )
        for upstream in upstreams:
            self._watch(upstream)

    def _watch(self, upstream: Upstream) -> None:
        self._up.labels(upstream.name).set_function(lambda: float(upstream.up))
        self._running.labels(upstream.name).set_function(lambda: float(upstream.in_hand))

    def count(self, upstream: Upstream, outcome: Outcome) -> None:
        self.requests.labels(upstream.name, outcome).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
