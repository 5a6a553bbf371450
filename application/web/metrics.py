"""What Prometheus is told: requests, latencies, stages, errors, models and jobs.

Each worker counts in files of its own, in a folder that `gunicorn.conf.py` makes; whichever
worker is asked for `/metrics` adds them up. Without that folder, as in the development server,
a process tells what it alone has seen.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from application.services import Services
from application.web.request_context import is_replay, services
from emosync.errors import DatabaseUnavailable, ModelUnavailable

# Read by prometheus_client as well, when it is imported.
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
# From a greeting to a song of two hours, in seconds.
_BUCKETS_S: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
)  # fmt: skip

# Any word may stand for a verb, and each would be a series of its own.
_VERBS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Without the collectors that the library brings: they know one process.
_COUNTED: Final = CollectorRegistry()
_REQUESTS: Final = Counter(
    "emosync_requests",
    "Requests by route, verb and status; a job's requests have the source job.",
    ("route", "verb", "status", "source"),
    registry=_COUNTED,
)
_REQUEST_S: Final = Histogram(
    "emosync_request_seconds",
    "Time until an answer begins, by route, task and method.",
    ("route", "task", "method"),
    buckets=_BUCKETS_S,
    registry=_COUNTED,
)
_STAGE_S: Final = Histogram(
    "emosync_stage_seconds",
    "Time that a stage of a request takes, by stage, task and method.",
    ("stage", "task", "method"),
    buckets=_BUCKETS_S,
    registry=_COUNTED,
)
_ERRORS: Final = Counter(
    "emosync_errors",
    "Errors by their code, such as those of recordings that cannot be decoded.",
    ("code", "status", "task"),
    registry=_COUNTED,
)
_AT_WORK: Final = Gauge(
    "emosync_requests_at_work",
    "Requests that have come in and are not answered yet.",
    multiprocess_mode="livesum",
    registry=_COUNTED,
)

metrics_bp = Blueprint("metrics", __name__)


def register_metrics(app: Flask) -> None:
    """Count every request, and tell of them under `/metrics`."""
    app.before_request(_begin)
    app.after_request(_count)
    app.teardown_request(_end)
    app.register_blueprint(metrics_bp)


@metrics_bp.get("/metrics")
def metrics() -> Response:
    """Tell Prometheus what was counted, in its text format."""
    return Response(exposed(services()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def exposed(found: Services) -> bytes:
    """Write all metrics in Prometheus' text format.

    Parameters
    ----------
    found : Services
        Asked for the models and the queue at this moment.

    Returns
    -------
    bytes
    """
    counted = _COUNTED
    if FOLDER_VARIABLE in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    asked = CollectorRegistry()
    asked.register(_Now(found))
    return generate_latest(counted) + generate_latest(asked)


class _Now(Collector):
    """What is asked for at the moment, and the same in every worker."""

    def __init__(self, found: Services) -> None:
        self._services = found

    def collect(self) -> Iterator[Metric]:
        """Yield what the library asks for."""
        yield self._models()
        yield self._queue()

    def _models(self) -> Metric:
        found = GaugeMetricFamily(
            "emosync_model_info",
            "The models that are loaded; sha256 is that of the file model.onnx.",
            labels=("task", "method", "sha256"),
        )
        with suppress(ModelUnavailable):  # what was counted is told nevertheless
            for task, methods in self._services.models()["models"].items():
                for method, card in methods.items():
                    found.add_metric([task, method, card["sha256"]["model.onnx"]], 1)
        return found

    def _queue(self) -> Metric:
        found = GaugeMetricFamily(
            "emosync_job_items",
            "Parts of jobs that have not ended, by state: those that wait are queued.",
            labels=("state",),
        )
        with suppress(DatabaseUnavailable):
            for state, number in self._services.work.queue.depth().items():
                found.add_metric([state], number)
        return found


def _begin() -> None:
    g.is_at_work = True
    _AT_WORK.inc()


def _count(answer: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else ""
    verb = request.method if request.method in _VERBS else "other"
    source = "job" if is_replay() else "client"
    _REQUESTS.labels(route, verb, answer.status_code, source).inc()
    stages = g.get("stages")
    task, method = (stages.task, stages.method) if stages else ("", "")
    if stages:
        _REQUEST_S.labels(route, task, method).observe(stages.total_s)
        for stage, duration_s in stages.durations_s.items():
            _STAGE_S.labels(stage, task, method).observe(duration_s)
    if "problem_code" in g:
        _ERRORS.labels(g.problem_code, answer.status_code, task).inc()
    return answer


def _end(_error: BaseException | None) -> None:
    if g.pop("is_at_work", False):
        _AT_WORK.dec()
