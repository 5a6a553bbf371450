"""Real Celery workers of one process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from conftest import ROOT


def started_worker(environ: Mapping[str, str], log_path: Path) -> subprocess.Popen[bytes]:
    """Start a worker in a process group of its own.

    Parameters
    ----------
    environ : mapping of str to str
        Added to the environment.
    log_path : Path
        Gets what it prints.
    """
    command = [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "application.jobs.celery_app",
        "worker",
        "-c",
        "1",
    ]
    with log_path.open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
