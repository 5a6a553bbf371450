"""What the measurements were taken on."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "flask", "gunicorn", "numpy", "scipy", "onnxruntime", "av", "soundfile", "sqlalchemy",
)  # fmt: skip


def describe() -> dict[str, str]:
    """Describe processor, memory, system and versions, a line each."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "Processor": f"{model[1] if model else 'unknown'}, {n_cores()} cores",
        "Memory": f"{int(memory[1]) / 1e6:.0f} GB" if memory else "unknown",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "Revision": _revision(),
    }


def n_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def load_average() -> float:
    """Give the load of the last minute; above 0.5 before a run, something else is running."""
    return os.getloadavg()[0]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _revision() -> str:
    git = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(git, capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"
