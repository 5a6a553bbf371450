"""Celery's workers: `celery --app application.jobs.celery_app worker`.

Each of a worker's processes has an application of its own, made after the fork, as gunicorn's
workers do.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Final

from billiard.exceptions import SoftTimeLimitExceeded
from celery import signals
from dotenv import load_dotenv

# Celery has the folder on the path while it imports this and takes it away again, but modules
# that few requests need are imported with the first of them.
sys.path.append(str(Path(__file__).parents[2]))

load_dotenv()
# Before NumPy is imported; see gunicorn.conf.py.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from app import create_app  # noqa: E402
from application.jobs.celery_queue import TASK, celery_for  # noqa: E402
from application.jobs.job_runner import JobRunner  # noqa: E402
from application.jobs.job_work import JobWork  # noqa: E402
from emosync.config import config_at_start  # noqa: E402
from emosync.errors import EmoSyncError  # noqa: E402
from emosync.logs import configure_log  # noqa: E402

_log = logging.getLogger(__name__)
_CONFIG: Final = config_at_start(os.environ)
if not _CONFIG.celery_broker_url:
    raise RuntimeError("CELERY_BROKER_URL is empty: there is no broker to take work from")

celery = celery_for(_CONFIG)


class _Process:
    """What one process of a worker has, from its fork to its end."""

    def __init__(self) -> None:
        app = create_app(_CONFIG)
        self.queue = app.extensions["emosync"].work.queue
        self.runner = JobRunner(app, timeouts=(SoftTimeLimitExceeded,))
        self.work = JobWork(app)


_process: _Process | None = None


@signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _configure_log(**_: object) -> None:
    configure_log(_CONFIG.log_format)


@signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _begin(**_: object) -> None:
    global _process
    _process = _Process()
    _process.work.start()


@signals.worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def _end(**_: object) -> None:
    if _process is not None:
        _process.work.stop()


@celery.task(name=TASK)  # type: ignore[untyped-decorator]
def do_item(job_id: str, position: int) -> None:
    """Do part of a job, unless somebody else does it or has done it.

    Parameters
    ----------
    job_id : str
        The job.
    position : int
        Number of the part, from 0.
    """
    if _process is None:
        raise RuntimeError("Tasks run in the processes of a worker: use the prefork pool")
    try:
        taken = _process.queue.take((job_id, position))
        if taken is not None:
            _process.runner.run(taken)
    except EmoSyncError as exc:
        # The database is away. The message has come, but the work is told of again.
        _log.warning("part %s of job %s waits: %s", position, job_id, exc)
