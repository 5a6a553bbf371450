"""How gunicorn serves the application; it reads this file by itself.

Each worker loads its own models after the fork (no preload): ONNX Runtime's threads and the
database's connections do not survive one.
"""

import ctypes
import gc
import os
import sys

from dotenv import load_dotenv

load_dotenv()

if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
    # glibc gives each thread a heap of its own, and what one thread freed another cannot
    # use: after pictures that held 40 MB a worker. -8 is M_ARENA_MAX.
    ctypes.CDLL(None).mallopt(-8, 2)

# NumPy's BLAS would start a thread per core in every worker, and they wait for each other
# by spinning: with two workers on two cores that cost half of the requests per second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

bind = f"0.0.0.0:{os.environ.get('PORT', '5000')}"
wsgi_app = "app:create_app()"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads keep /health and uploads going while a model computes.
threads = int(os.environ.get("WEB_THREADS", "4"))
# The longest recording allowed takes a slow machine about half a minute.
timeout = 120


def post_worker_init(worker: object) -> None:
    """Keep the collector from looking again and again at what lives as long as the worker."""
    gc.collect()
    gc.freeze()


# Nothing here is controlled at run time; the socket would lie in the home folder.
control_socket_disable = True
