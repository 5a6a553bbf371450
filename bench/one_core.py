"""Commands on one core, each a process of its own, and how much memory a process takes."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.server import ROOT


def on_one_core(command: Sequence[str]) -> dict[str, Any]:
    """Run a command on the first core that this process may use; read the JSON it prints."""
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        # Set before the program starts, so that no library sees more cores.
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def try_on_one_core(command: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """Do the same; where the command fails, give None and the last that it said."""
    try:
        return on_one_core(command), ""
    except subprocess.CalledProcessError as exc:
        return None, " / ".join([_ended(exc), *str(exc.stderr).strip().splitlines()[-1:]])


def _ended(exc: subprocess.CalledProcessError) -> str:
    """Tell how a command ended, without its paths, which are another machine's."""
    words = [Path(word).name if "/" in word else word for word in exc.cmd]
    return f"`{' '.join(words)}` ended with code {exc.returncode}"


def memory_mb(kind: str, pid: int | str = "self") -> float:
    """Give the memory of a process in MB (10^6 bytes): VmRSS now, VmHWM at its peak."""
    found = re.search(rf"{kind}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None  # Linux has both
    return int(found[1]) * 1024 / 1e6
