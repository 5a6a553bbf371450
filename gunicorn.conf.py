"""How gunicorn serves the application; it reads this file by itself.

Each worker loads its own models after the fork (no preload): ONNX Runtime's threads and the
database's connections do not survive one.
"""

import ctypes
import gc
import os
import shutil
import sys
import tempfile
from typing import Any

from dotenv import load_dotenv

from emosync.body_pace import PacedSocket
from emosync.config import config_at_start
from emosync.logs import server_log

load_dotenv()
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Requests of a worker; it takes a millisecond or two. Every 200, twenty thousand mixed requests
# left 7 % more with the workers; every 25 they leave nothing.
TRIM_EVERY = 25

# glibc, where the system has it.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
if not hasattr(_libc, "mallopt"):
    _libc = None
if _libc:
    # It gives each thread a heap of its own, and what one thread freed another cannot use:
    # after pictures that held 40 MB a worker. -8 is M_ARENA_MAX.
    _libc.mallopt(-8, 2)

# NumPy's BLAS would start a thread per core in every worker, and they wait for each other
# by spinning: with two workers on two cores that cost half of the requests per second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Workers count in files of this folder, which prometheus_client finds by the variable. A master
# that took over from another one (SIGUSR2) has its own; one that reads this anew (SIGHUP) keeps it.
_prefix = f"emosync-metrics-{os.getpid()}-"
if _prefix not in os.environ.setdefault(FOLDER_VARIABLE, ""):
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix=_prefix)

_config = config_at_start(os.environ)
logconfig_dict = server_log(_config.log_format)

bind = f"0.0.0.0:{os.environ.get('PORT', '5000')}"
wsgi_app = "app:create_app()"
# What a client says of its address and its path is not taken from any header by gunicorn, not
# even where Heroku's buildpack would have it; TRUSTED_PROXIES decides that, in the application.
forwarded_allow_ips = ""
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads keep /health and uploads going while a model computes.
threads = int(os.environ.get("WEB_THREADS", "4"))
# The longest recording allowed takes a slow machine about half a minute.
timeout = 120
# As long as that a worker that shall stop (SIGTERM) goes on with what it has begun.
graceful_timeout = timeout


def child_exit(server: object, worker: Any) -> None:
    """Forget what a worker was doing as it ended; what it has counted stays."""
    # This process counts nothing itself, and most never see a worker die.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def worker_exit(server: object, worker: Any) -> None:
    """End the jobs that are begun, or leave them to others; the last requests are answered."""
    if job_work := getattr(worker, "job_work", None):
        job_work.stop()


def on_exit(server: object) -> None:
    """Leave no folder behind."""
    shutil.rmtree(os.environ[FOLDER_VARIABLE], ignore_errors=True)


def pre_request(worker: object, request: Any) -> None:
    """Wait for a body no longer than BODY_PAUSE_S and BODY_MIN_KB_S allow; `timeout` does not."""
    request.unreader.sock = PacedSocket(
        request.unreader.sock,
        pause_s=_config.body_pause_s,
        bytes_per_s=1000 * _config.body_min_kb_s,
        give_up=request.force_close,
    )


def post_request(worker: Any, request: Any, environ: object, answer: object) -> None:
    """Give back what is free between what is in use: pictures and songs leave it in pieces."""
    request.unreader.sock = request.unreader.sock.sock
    if _libc and worker.nr % TRIM_EVERY == 0:
        _libc.malloc_trim(0)


def post_worker_init(worker: Any) -> None:
    """Begin to work on jobs, and keep the collector from what lives as long as the worker."""
    # Not before the fork, like the application itself.
    from application.jobs.job_work import JobWork

    # Told to stop, a worker lives until its last request is answered.
    worker.job_work = JobWork(worker.wsgi, shall_stop=lambda: not worker.alive)
    worker.job_work.start()
    gc.collect()
    gc.freeze()
    if _libc:
        # Models were read and unpacked: 10 MB that malloc would keep.
        _libc.malloc_trim(0)


# Nothing here is controlled at run time; the socket would lie in the home folder.
control_socket_disable = True
