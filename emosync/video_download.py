"""Videos from YouTube: one at a time per child process, within limits, and nothing left over."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emosync import video_child
from emosync.config import Config
from emosync.errors import (
    EmoSyncError,
    Unavailable,
    VideoBusy,
    VideoDisabled,
    VideoLengthUnknown,
    VideoLive,
    VideoRefused,
    VideoTimeout,
    VideoTooLarge,
    VideoTooLong,
)
from emosync.video_refusals import UPLOAD_INSTEAD, refusal_for
from emosync.video_urls import watch_url

# More would leave no thread of a worker to answer anything else, and need 100 MB each.
MAX_AT_ONCE: Final = 2
_CHILD_PATH: Final = Path(video_child.__file__)
_FOLDER_PREFIX: Final = "emosync-video-"
_LOG_FILE: Final = "log"
_LOGGED_CHARS: Final = 2000
_COOKIES_FILE: Final = "cookies.txt"
_LOOK_EVERY_S: Final = 0.1
# What Python, the network and deno need; the child gets no key and no password of this process.
_SYSTEM: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
_NETWORK: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Video:
    """A video that was fetched.

    Parameters
    ----------
    title : str
        As its owner wrote it; may be empty.
    data : bytes
        Its audio in a container of the site's choice, or the whole of it where the audio
        is not to be had alone.
    duration_s : float
        Length in seconds as the site states it, which only decoding proves.
    """

    title: str
    data: bytes
    duration_s: float


@dataclass(frozen=True)
class VideoSite:
    """Where videos come from; another than YouTube is for tests, and no setting leads to it.

    Parameters
    ----------
    address_of : callable
        Makes the address of a video out of its id.
    extractor : str
        Name of the only part of yt-dlp that may be used.
    """

    address_of: Callable[[str], str]
    extractor: str


YOUTUBE: Final = VideoSite(watch_url, "youtube")


class VideoDownloads:
    """Fetch videos, each in a process of its own; may be shared by threads.

    Parameters
    ----------
    config : Config
        Limits of length, size and time, the proxy and the cookies.
    site : VideoSite
        Where the videos come from.
    """

    def __init__(self, config: Config, site: VideoSite = YOUTUBE) -> None:
        self._config = config
        self._site = site
        self._free = threading.BoundedSemaphore(MAX_AT_ONCE)

    def fetch(self, video_id: str) -> Video:
        """Fetch the audio of a video, once the site has said that it is short enough.

        Whatever happens, the child and all that it started are gone when this returns or
        raises, and so is its folder. If this process is killed, the child sees to both.

        Parameters
        ----------
        video_id : str
            See `video_urls.parse_video_url`.

        Returns
        -------
        Video

        Raises
        ------
        VideoDisabled
            If the server is set up to fetch none.
        UnusableVideo
            If it is live, too long, too large, or of unknown length.
        VideoRefused
            If the site does not hand it over, or not in time (VideoTimeout).
        VideoBusy, Unavailable
            If too many are being fetched, or this machine cannot start a child.
        """
        if not self._config.youtube_enabled:
            raise VideoDisabled(f"This server fetches no videos. {UPLOAD_INSTEAD}")
        address = self._site.address_of(video_id)
        if not self._free.acquire(blocking=False):
            raise VideoBusy("Other videos are being fetched; try again in a moment.")
        try:
            with tempfile.TemporaryDirectory(prefix=_FOLDER_PREFIX) as folder:
                return self._fetch_into(Path(folder), address)
        except OSError as exc:
            raise Unavailable("No video can be fetched at the moment.") from exc
        finally:
            self._free.release()

    def _fetch_into(self, folder: Path, address: str) -> Video:
        job = self._job(folder, address)
        try:
            with _child(folder, job) as process:
                self._watch(process, folder)
            return self._arrived(folder)
        except EmoSyncError as exc:
            _log.warning("no video from %s (%s): %s", address, exc.code, _said(folder))
            raise

    def _job(self, folder: Path, address: str) -> dict[str, Any]:
        cookies_file = ""
        if self._config.youtube_cookies_file:
            # yt-dlp writes back what the site sets; two at once would spoil the file.
            cookies_file = _COOKIES_FILE
            shutil.copyfile(self._config.youtube_cookies_file, folder / cookies_file)
        return {
            "url": address,
            "extractor": self._site.extractor,
            "max_duration_s": self._config.max_video_duration_s,
            "max_bytes": self._config.max_upload_bytes,
            "proxy": self._config.youtube_proxy,
            "cookies_file": cookies_file,
        }

    def _watch(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Wait for the child to end; raise when it takes too long or too much disk."""
        deadline_s = time.monotonic() + self._config.youtube_timeout_s
        while process.poll() is None:
            if time.monotonic() > deadline_s:
                raise VideoTimeout(
                    f"The video did not arrive within {self._config.youtube_timeout_s:g} s. "
                    f"{UPLOAD_INSTEAD}"
                )
            # What the site states may be wrong, and yt-dlp's own count is of one file.
            if _size_bytes(folder) > self._config.max_upload_bytes:
                raise self._refusal(video_child.TOO_LARGE)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_EVERY_S)

    def _arrived(self, folder: Path) -> Video:
        """Read what the child left."""
        try:
            answer = json.loads((folder / video_child.ANSWER_FILE).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            answer = {"error": ""}  # it crashed or was killed, and the log may say why
        if "refusal" in answer:
            raise self._refusal(answer["refusal"])
        media = folder / video_child.MEDIA_FILE
        if "error" in answer or not media.is_file():
            raise refusal_for(answer.get("error", ""))
        if media.stat().st_size > self._config.max_upload_bytes:
            raise self._refusal(video_child.TOO_LARGE)
        return Video(answer["title"], media.read_bytes(), answer["duration_s"])

    def _refusal(self, word: str) -> EmoSyncError:
        """Make the error for one of the words of `video_child`."""
        limits = self._config
        match word:
            case video_child.TOO_LONG:
                return VideoTooLong(
                    f"The video is longer than {limits.max_video_duration_s:g} s. "
                    "Send a shorter one, or upload a part of its audio."
                )
            case video_child.TOO_LARGE:
                return VideoTooLarge(
                    f"The video's file is larger than {limits.max_upload_mb:g} MB. "
                    "Send a shorter one, or upload a part of its audio."
                )
            case video_child.LIVE:
                return VideoLive(
                    "The video is live, or has not been shown yet; send one that is complete."
                )
            case video_child.LENGTH_UNKNOWN:
                return VideoLengthUnknown(f"The video's length is not known. {UPLOAD_INSTEAD}")
        return VideoRefused(f"The video is not taken. {UPLOAD_INSTEAD}")


@contextmanager
def _child(folder: Path, job: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in a process group of its own; leave none of the group alive."""
    with (folder / _LOG_FILE).open("wb") as log:
        process = subprocess.Popen(
            # -P: a file in the folder cannot stand in for a library.
            [sys.executable, "-P", str(_CHILD_PATH)],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            bufsize=0,
            start_new_session=True,
        )
    with process:
        try:
            assert process.stdin is not None
            # Not as arguments, which every user of the machine sees. The pipe stays open: its
            # end tells the child that this process is gone.
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(job).encode() + b"\n")
            yield process
        finally:
            # The child may be gone and an engine that it started not; no other group can have
            # got its number while one of its own members lives.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment() -> dict[str, str]:
    names = (*_SYSTEM, *_NETWORK, *(name.lower() for name in _NETWORK))
    kept = {name: os.environ[name] for name in names if name in os.environ}
    # Plug-ins are code that yt-dlp would take from folders of the user.
    return {**kept, "YTDLP_NO_PLUGINS": "1"}


def _size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # renamed meanwhile
            total += path.stat().st_size
    return total


def _said(folder: Path) -> str:
    """Return the end of what yt-dlp reported, on one line of the log."""
    text = (folder / _LOG_FILE).read_text("utf-8", errors="replace")
    return ascii(text[-_LOGGED_CHARS:].strip())
