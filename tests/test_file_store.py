import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from emosync.errors import NotFound, StorageUnavailable
from emosync.file_store import FolderStore

ROOT = Path(__file__).parent.parent


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "made" / "later")


def test_a_file_comes_back_under_its_name(store: FolderStore) -> None:
    store.keep("a.wav", b"sound")
    assert store.read("a.wav") == b"sound"
    assert store.link("a.wav", media_type="audio/wav") is None


def test_a_later_file_takes_the_place_of_an_earlier_one(store: FolderStore, tmp_path: Path) -> None:
    store.keep("a.wav", b"first")
    store.keep("a.wav", b"second")
    assert store.read("a.wav") == b"second"
    assert os.listdir(tmp_path / "made" / "later") == ["a.wav"]


def test_a_discarded_file_is_gone_and_may_be_discarded_again(store: FolderStore) -> None:
    store.keep("a.wav", b"sound")
    store.discard("a.wav")
    store.discard("a.wav")
    store.discard("../a.wav")
    with pytest.raises(NotFound):
        store.read("a.wav")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../secret",
        "/etc/passwd",
        "a/../../secret",
        "a.wav\n",
        "\x00",
        "a" * 300,
        "\u0661",
    ],
)
def test_a_name_that_is_none_of_ours_is_never_opened(
    store: FolderStore, tmp_path: Path, name: str
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "secret").write_text("secret")
    with pytest.raises(NotFound):
        store.read(name)
    with pytest.raises(NotFound):
        store.keep(name, b"")


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    store = FolderStore(tmp_path / "file")
    with pytest.raises(StorageUnavailable):
        store.keep("a.wav", b"sound")
    with pytest.raises(StorageUnavailable):
        store.read("a.wav")


def test_a_full_disk_leaves_no_part_of_the_file_and_the_old_one_as_it_was(tmp_path: Path) -> None:
    FolderStore(tmp_path).keep("a.wav", b"old")
    # A limit on the size of files fails in the middle of the write, as a full disk does.
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from emosync.errors import StorageUnavailable\n"
        "from emosync.file_store import FolderStore\n"
        "try:\n"
        "    FolderStore(Path(sys.argv[1])).keep('a.wav', bytes(100_000))\n"
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
    assert os.listdir(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"old"
