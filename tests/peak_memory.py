"""The memory that a script takes at its peak, in a process of its own."""

import os
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
# glibc raises this threshold as arrays are freed, and keeps what lies below it: at its luck
# the same script takes 50 or 90 MB more. Fixed, what is freed is gone, and its peak is the arrays'.
_STEADY: Final = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def printed_by(script: str, *args: str) -> list[int]:
    """Run a script that asks `peak_kb()` and prints whole numbers; returns these."""
    command = [sys.executable, "-c", _MEASURE + script, *args]
    env = os.environ | _STEADY
    child = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return [int(number) for number in child.stdout.split()]
