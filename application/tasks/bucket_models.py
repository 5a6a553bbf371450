"""Models kept in a bucket: fetched once per machine, verified before use."""

import fcntl
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from application.tasks.song_sources import S3_SCHEME
from emosync.artifacts import CARD_FILE, ONNX_FILE, read_card, sha256_of
from emosync.config import Config
from emosync.errors import EmoSyncError, ModelUnavailable
from emosync.file_store import PART_SUFFIX
from s3utils import download_from_s3, process_client

_log = logging.getLogger(__name__)

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def fetch_model(location: str, config: Config, *, name: str) -> Path:
    """Bring a model from a bucket to this machine, unless it is here already.

    Every start asks for the card, which is small; the model comes only if the card names
    another. While the bucket cannot be read, the model of the last start is used.

    Parameters
    ----------
    location : str
        Folder in the library's bucket, or s3://BUCKET/FOLDER, that holds card.json and
        model.onnx; a path that ends with /model.onnx means its folder.
    config : Config
        Tells how the bucket is reached, and where files are kept.
    name : str
        What messages call the model, such as "arousal".

    Returns
    -------
    Path
        Folder with card.json and the model.onnx that it describes.

    Raises
    ------
    ModelUnavailable
        If it cannot be fetched, or is not the one of its card.
    """
    bucket, folder = _place(location, config)
    if not bucket:
        raise ModelUnavailable(f"The model '{name}' is to come from a bucket, and none is named.")
    home = config.data_path / "models" / sha256(f"{bucket}/{folder}".encode()).hexdigest()[:16]
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Workers start together; the others wait for the one that fetches.
        with _locked(home / "lock"):
            return _fetched(partial(_read, config, bucket, folder), home, name)
    except OSError as exc:
        raise ModelUnavailable(f"The model '{name}' cannot be kept on this machine.") from exc


def _place(location: str, config: Config) -> tuple[str, str]:
    """Return the bucket, and the folder with its slash."""
    bucket, folder = config.s3_bucket_name, location
    if location.startswith(S3_SCHEME):
        bucket, _, folder = location.removeprefix(S3_SCHEME).partition("/")
    folder = f"/{folder}".removesuffix(f"/{ONNX_FILE}").strip("/")
    return bucket, f"{folder}/" if folder else ""


def _read(config: Config, bucket: str, folder: str, file: str) -> bytes:
    download = download_from_s3(process_client(config), bucket, folder + file)
    return download.data if download else b""  # nothing was given to compare it with


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process in at a time; the lock of a dead one opens by itself."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetched(read: Callable[[str], bytes], home: Path, name: str) -> Path:
    for dead in home.glob(f"*{PART_SUFFIX}"):  # nobody else is at work here
        shutil.rmtree(dead, ignore_errors=True)
    incoming = home / f"{secrets.token_hex(8)}{PART_SUFFIX}" / name
    incoming.mkdir(parents=True)
    try:
        return _arrived(read, incoming, home, name)
    except ModelUnavailable:
        raise
    except EmoSyncError as exc:
        return _last(home, name, exc)
    finally:
        shutil.rmtree(incoming.parent, ignore_errors=True)


def _arrived(read: Callable[[str], bytes], incoming: Path, home: Path, name: str) -> Path:
    """Fetch the card, then the model if need be; move them where they stay."""
    (incoming / CARD_FILE).write_bytes(read(CARD_FILE))
    stated = str(read_card(incoming)["sha256"].get(ONNX_FILE))
    if not _SHA256.fullmatch(stated):
        raise ModelUnavailable(f"The card of '{name}' states no hash of {ONNX_FILE}.")
    kept = home / stated[:16] / name
    if not (kept / ONNX_FILE).is_file() or sha256_of(kept / ONNX_FILE) != stated:
        (incoming / ONNX_FILE).write_bytes(read(ONNX_FILE))
        if sha256_of(incoming / ONNX_FILE) != stated:
            raise ModelUnavailable(f"The file of '{name}' in the bucket is not that of its card.")
        kept.mkdir(parents=True, exist_ok=True)
        (incoming / ONNX_FILE).replace(kept / ONNX_FILE)
    # The card comes last: a folder that has one is complete.
    (incoming / CARD_FILE).replace(kept / CARD_FILE)
    os.utime(kept)
    return kept


def _last(home: Path, name: str, reason: EmoSyncError) -> Path:
    """Return the model of the last start; raise ModelUnavailable if there was none."""
    cards = home.glob(f"*/{name}/{CARD_FILE}")
    kept = max((card.parent for card in cards), key=lambda f: f.stat().st_mtime, default=None)
    if kept is None:
        raise ModelUnavailable(
            f"The model '{name}' cannot be fetched. {reason.message}"
        ) from reason
    _log.warning("the model '%s' of the last start is used: %s", name, reason.message)
    return kept
