"""What the service counts, in the text form of Prometheus."""

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PATHS = ("/", "/recommend", "/similar", "/score", "/items", "/health", "/metrics", "/openapi.json")


# Where the processes of a service put their counts, so that each can tell the sum of all; the
# library's own name. Set by whoever starts them, before the library is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


class Figures:
    """Counters of one service, by whatever number of processes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter(
            "seqrec_requests", "Requests by path and status", ("path", "status"), **own
        )
        self.seconds = Histogram(
            "seqrec_request_seconds", "Seconds of a request", ("path",), buckets=SECONDS, **own
        )
        self.batches = Histogram(
            "seqrec_batch_questions", "Questions scored together", buckets=SIZES, **own
        )
        self.renewals = Counter(
            "seqrec_renewals", "Newer weights: taken up, or refused", ("outcome",), **own
        )
        self.serving = Gauge(
            "seqrec_serving",
            "The run that answers; 0 for one before it",
            ("run",),
            multiprocess_mode="mostrecent",
            **own,
        )
        self.run: str | None = None

    def count(self, path: str, status: int, seconds: float) -> None:
        """Note a request; paths that there are not count as one, or anybody could fill memory."""
        path = path if path in PATHS else "other"
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def serves(self, run: str) -> None:
        """Note the run that answers."""
        if self.run is not None:
            self.serving.labels(self.run).set(0)
        self.run = run
        self.serving.labels(run).set(1)

    def text(self) -> bytes:
        """All figures."""
        registry = self.registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
