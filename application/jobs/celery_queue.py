"""Celery as web processes and workers share it: which broker, which queue, which promises.

A message names part of a job and holds nothing else: what to do stands in SQL and in the files.
So a message that is lost, or comes twice, costs a look into SQL and no more.
"""

import threading
from functools import cache
from typing import TYPE_CHECKING, Final

from emosync.config import Config

if TYPE_CHECKING:
    from celery import Celery

TASK: Final = "emosync.do_item"
_QUEUE: Final = "emosync"
# How long a request waits for a broker that is down.
_TIMEOUT_S: Final = 2.0
# A process that does not stop at the limit, as in the middle of a model, is ended this much later.
_LAST_S: Final = 30.0
# Heroku kills after 30 s.
_SOFT_STOP_S: Final = 20.0
_START_S: Final = 60.0
_LOCK: Final = threading.Lock()


def celery_for(config: Config) -> "Celery":
    """Make Celery's application, once for each broker.

    Parameters
    ----------
    config : Config
        Names the broker.

    Returns
    -------
    Celery
        It knows no task; `celery_app` adds the one that workers run.
    """
    # Celery takes itself apart while it is imported, so two threads must not do it at once.
    with _LOCK:
        return _celery(config)


@cache
def _celery(config: Config) -> "Celery":
    # Imported here: it takes a quarter of a second, and few processes need it.
    from celery import Celery

    made = Celery("emosync", broker=config.celery_broker_url, set_as_current=False)
    made.conf.update(
        task_default_queue=_QUEUE,
        task_ignore_result=True,
        # Whoever can reach the broker could stop workers by it.
        worker_enable_remote_control=False,
        # A message is there until the work is done, so that it outlives the worker.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # Nobody hoards what another could do.
        worker_prefetch_multiplier=1,
        task_soft_time_limit=config.job_time_limit_s,
        task_time_limit=config.job_time_limit_s + _LAST_S,
        broker_connection_timeout=_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        # A broker may be away for longer than any number of attempts.
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(config.celery_broker_url),
        # A process loads its models before it answers.
        worker_proc_alive_timeout=_START_S,
        worker_redirect_stdouts=False,
        # Where SIGTERM comes to all processes (REMAP_SIGTERM): what is begun has this long.
        worker_soft_shutdown_timeout=_SOFT_STOP_S,
    )
    return made


def _transport_options(broker_url: str) -> dict[str, float]:
    if not broker_url.startswith("redis"):
        return {}
    return {"socket_connect_timeout": _TIMEOUT_S, "socket_timeout": 10 * _TIMEOUT_S}
