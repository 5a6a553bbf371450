"""The image is under 600 MB, as far as can be told where no engine runs.

What `requirements.txt` brings is found by the files that the installed distributions list, less
what the Dockerfile takes away.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import PackagePath, distribution
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

from emosync.artifacts import load_artifact

LIMIT_MB = 600
# python:3.11-slim unpacked: an assumption, for it cannot be pulled here. `docker images` is
# commonly reported to show 125 to 130 MB on Debian 12, and up to 150 MB in guides that round up.
BASE_MB = 150
# The links of the environment, apt's lists and what else no file of a distribution tells.
ALLOWANCE_MB = 10
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def names_in(command: str) -> list[str]:
    """List the patterns of a `find` of the Dockerfile."""
    (found,) = re.findall(rf"find \. {command} \\\((.*?)\\\)", DOCKERFILE)
    return re.findall(r"-name '?([^' ]+)'?", found)


FOLDERS, FILES = names_in("-type d"), names_in("-type f")


def serving_distributions() -> dict[str, set[str]]:
    """Find the distributions of the image by name, with their extras."""
    lines = [
        line.partition("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text().splitlines()
    ]
    # VIDEOS=0 leaves it out.
    left = [Requirement(line) for line in lines if line and not line.startswith("yt-dlp")]
    found: dict[str, set[str]] = {}
    while left:
        wanted = left.pop()
        known = found.setdefault(wanted.name.lower().replace("_", "-"), set())
        if known >= wanted.extras and known:
            continue
        known |= {*wanted.extras, ""}
        for text in distribution(wanted.name).requires or ():
            needed = Requirement(text)
            if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in known):
                left.append(needed)
    return found


def is_removed(path: PackagePath) -> bool:
    if set(path.parts[:-1]) & set(FOLDERS) or any(fnmatch(path.name, name) for name in FILES):
        return True
    is_service = path.parts[:2] == ("botocore", "data") and len(path.parts) > 3
    return is_service and not re.match(r"s3$|sts$|sso", path.parts[2])


def left_bytes(path: PackagePath, scratch: Path) -> int:
    """Tell the size of a file of the image, stripped if it is stripped there."""
    place = Path(str(path.locate()))
    if is_removed(path) or not place.is_file():
        return 0
    if path.suffix == ".so" and not any(part.endswith(".libs") for part in path.parts):
        shutil.copyfile(place, scratch)
        subprocess.run(["strip", "--strip-unneeded", scratch], check=True)
        place = scratch
    return place.stat().st_size


def own_files() -> Iterator[Path]:
    """Find the files that .dockerignore lets in."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    wanted = [line[1:].replace("**/", "*").removesuffix("*") for line in lines if line[:1] == "!"]
    for name in tracked:
        if any(fnmatch(name, f"{pattern}*") for pattern in wanted):
            yield ROOT / name


@pytest.mark.skipif(shutil.which("strip") is None, reason="binutils are not installed")
def test_the_image_is_under_its_limit(tmp_path: Path) -> None:
    packages = sum(
        left_bytes(path, tmp_path / "stripped")
        for name in serving_distributions()
        for path in distribution(name).files or ()
    )
    own = sum(path.stat().st_size for path in own_files())
    whole_mb = (packages + own) / 1e6 + BASE_MB + ALLOWANCE_MB
    print(f"packages {packages / 1e6:.0f} MB, own {own / 1e6:.0f} MB, whole {whole_mb:.0f} MB")
    assert packages > 300e6  # the installed distributions were found
    assert own > 20e6
    assert whole_mb < LIMIT_MB


def test_no_library_that_the_image_leaves_out_is_loaded() -> None:
    load_artifact(ROOT / "models" / "mood" / "network")
    loaded = {
        Path(line.split()[-1]).name for line in Path("/proc/self/maps").read_text().splitlines()
    }
    assert any("onnxruntime" in name for name in loaded)
    assert not [name for name in loaded for pattern in FILES if fnmatch(name, pattern)]
