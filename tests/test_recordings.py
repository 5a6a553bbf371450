import errno
import os
import re
import resource
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from emosync.errors import NotFound, StorageUnavailable
from emosync.recordings import Recordings, new_name

ROOT = Path(__file__).parent.parent
NOON = datetime(2024, 1, 15, 12)


def test_a_recording_comes_back_under_its_name(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "uploads")
    name = new_name(NOON, container="webm")
    recordings.keep(name, b"sound")
    assert re.fullmatch(r"20240115-120000-[0-9a-f]{16}\.webm", name)
    assert recordings.read(name) == b"sound"


def test_the_same_recording_twice_makes_two_files(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    names = {new_name(NOON, container="wav") for _ in range(20)}
    for name in names:
        recordings.keep(name, b"sound")
    assert len(names) == 20
    assert set(os.listdir(tmp_path)) == names


def test_a_discarded_recording_is_gone(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    name = new_name(NOON, container="wav")
    recordings.keep(name, b"sound")
    recordings.discard(name)
    recordings.discard(name)
    with pytest.raises(NotFound, match="no longer"):
        recordings.read(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "secret",
        "../secret",
        "/etc/passwd",
        "20240115-120000-0123456789abcdef.wav/../../secret",
        "20240115-120000-0123456789abcdef.wav\n",
        "20240115-120000-0123456789abcdef.",
        "\x00",
    ],
)
def test_a_name_that_is_none_of_ours_is_never_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(NotFound):
        Recordings(tmp_path / "uploads").read(name)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(StorageUnavailable):
        Recordings(tmp_path / "uploads").keep(new_name(NOON, container="wav"), b"sound")


def test_a_full_disk_leaves_no_part_of_the_file(tmp_path: Path) -> None:
    # A limit on the size of files fails in the middle of the write, as a full disk does.
    script = (
        "import sys\n"
        "from datetime import datetime\n"
        "from pathlib import Path\n"
        "from emosync.errors import StorageUnavailable\n"
        "from emosync.recordings import Recordings, new_name\n"
        "try:\n"
        "    name = new_name(datetime(2024, 1, 15), container='wav')\n"
        "    Recordings(Path(sys.argv[1])).keep(name, bytes(100_000))\n"
        "except StorageUnavailable as exc:\n"
        "    print(exc.__cause__.errno)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert int(child.stdout) == errno.EFBIG
    assert os.listdir(tmp_path) == []
