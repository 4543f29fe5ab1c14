"""What /metrics says (Prometheus text): requests, events by answer, and the state of the log.

Labels come from closed lists (route templates, methods, statuses, problem names), so that no client can
make the server keep more of them.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "traceability_http_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "traceability_http_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.events = Counter(
            "traceability_events_total",
            "Events submitted, by what they were answered: taken, known, or the name of the problem.",
            ("answer",),
            registry=self._registry,
        )
        self.faults = Counter(
            "traceability_faults_total",
            "Errors that no route expected; each is a bug.",
            registry=self._registry,
        )
        self.log_size = Gauge(
            "traceability_log_size", "Entries under the published checkpoint.", registry=self._registry
        )
        self.signing = Gauge(
            "traceability_signing",
            "1 while the ledger takes and signs events, else 0.",
            registry=self._registry,
        )
        self.quorum_age = Gauge(
            "traceability_quorum_age_seconds",
            "Since a quorum of witnesses last cosigned; NaN where none is asked, or none was had yet.",
            registry=self._registry,
        )
        self.witness_size = Gauge(
            "traceability_witness_size",
            "Entries under the newest checkpoint that a witness cosigned for this process.",
            ("witness",),
            registry=self._registry,
        )
        self.witness_trouble = Gauge(
            "traceability_witness_trouble",
            "1 while a witness does not cosign: /v1/log says why.",
            ("witness",),
            registry=self._registry,
        )
        self.disk_free = Gauge(
            "traceability_disk_free_bytes",
            "What may still be written to the disk of the ledger's file and of the guard's, where they are files here.",
            ("of",),
            registry=self._registry,
        )
        self.disk_size = Gauge(
            "traceability_disk_size_bytes",
            "That, and what is written to it by now.",
            ("of",),
            registry=self._registry,
        )
        self.journal = Gauge(
            "traceability_journal_bytes",
            "The write-ahead log of SQLite; of PostgreSQL, what is kept for the replication slot that is furthest behind.",
            registry=self._registry,
        )
        self._of_requests = cache(self.requests.labels)
        self._of_seconds = cache(self.seconds.labels)
        self._of_answers = cache(self.events.labels)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request that was answered."""
        self._of_requests(method, route, status).inc()
        self._of_seconds(route).observe(seconds)

    def answered(self, name: str) -> None:
        """An event that was answered: taken, known or the name of the problem."""
        self._of_answers(name).inc()

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self._registry)
