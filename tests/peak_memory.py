"""The memory that a script takes at its peak, in a process of its own."""

import subprocess
import sys
from typing import Final

from conftest import ROOT

# What `resource` gives begins with the peak of the process that started this one.
_MEASURE: Final = r"""
import re
import sys
from pathlib import Path

def peak_kb():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


def printed_by(script: str, *args: str) -> list[int]:
    """Run a script that asks `peak_kb()` and prints whole numbers; returns these."""
    command = [sys.executable, "-c", _MEASURE + script, *args]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [int(number) for number in child.stdout.split()]
