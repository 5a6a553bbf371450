"""Fetches one video with yt-dlp into the folder it is started in; a program of its own.

`video_download` starts it by its path and hands it a job over stdin, one line of JSON. It
leaves the recording in `MEDIA_FILE` and says in `ANSWER_FILE` what it is, or why there is none;
what yt-dlp reports goes to stderr. yt-dlp takes 0.6 s of computing and 50 MB to import, gets
stuck and changes often, and so stays out of the process that answers requests.

Nothing of this package is imported: it is not on the path of the temporary folder, and with
it would come libraries that are of no use here.
"""

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

MEDIA_FILE: Final = "media"
ANSWER_FILE: Final = "answer.json"

# Why yt-dlp was not let on; `video_download` turns them into errors.
TOO_LONG: Final = "too long"
TOO_LARGE: Final = "too large"
LIVE: Final = "live"
LENGTH_UNKNOWN: Final = "length unknown"

_LIVE_STATUSES: Final = frozenset({"is_live", "is_upcoming", "post_live"})
_SOCKET_TIMEOUT_S: Final = 10
_N_RETRIES: Final = 2


class Refused(Exception):
    """A video that is not to be downloaded; the message is one of the words above."""


def refusal_of(info: dict[str, Any], max_duration_s: float) -> str | None:
    """Tell why a video is not taken, from what the site says of it before the download.

    Parameters
    ----------
    info : dict
        yt-dlp's description of a video.
    max_duration_s : float
        Longest video, in seconds.

    Returns
    -------
    str or None
        `LIVE` for one that is broadcast, announced or just over, whose recording is not
        complete, `LENGTH_UNKNOWN`, `TOO_LONG`, or None if it is taken.
    """
    if info.get("is_live") or info.get("live_status") in _LIVE_STATUSES:
        return LIVE
    duration_s = info.get("duration")
    if not isinstance(duration_s, int | float) or not duration_s > 0:
        return LENGTH_UNKNOWN
    return TOO_LONG if duration_s > max_duration_s else None


def fetch(job: dict[str, Any]) -> dict[str, Any]:
    """Download the audio of one video to `MEDIA_FILE`.

    Parameters
    ----------
    job : dict
        `url`, `extractor`, `max_duration_s`, `max_bytes`, and `proxy` and `cookies_file`,
        which may be empty.

    Returns
    -------
    dict
        `title` and `duration_s`; or `refusal`, one of the words above; or `error`, what
        yt-dlp says.
    """
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import YoutubeDLError

    described: dict[str, Any] = {}

    # The parameter's name is yt-dlp's.
    def check(info: dict[str, Any], *, incomplete: object) -> None:
        if refusal := refusal_of(info, job["max_duration_s"]):
            raise Refused(refusal)
        described.update(title=str(info.get("title") or ""), duration_s=float(info["duration"]))

    def weigh(progress: dict[str, Any]) -> None:
        sizes = (progress.get("downloaded_bytes"), progress.get("total_bytes"))
        if max(size or 0 for size in sizes) > job["max_bytes"]:
            raise Refused(TOO_LARGE)

    try:
        with YoutubeDL({**_options(job), "match_filter": check, "progress_hooks": [weigh]}) as ydl:
            ydl.extract_info(job["url"])
    except Refused as exc:
        return {"refusal": str(exc)}
    except YoutubeDLError as exc:
        return {"error": str(exc)}
    return described


def _options(job: dict[str, Any]) -> dict[str, Any]:
    """Return yt-dlp's options; its interface for programs reads no configuration file."""
    options = {
        "allowed_extractors": [job["extractor"]],
        "format": "bestaudio/best",
        "noplaylist": True,
        "outtmpl": MEDIA_FILE,
        "nopart": True,
        "updatetime": False,
        "cachedir": False,
        # PyAV decodes whatever comes; no ffmpeg is started, to repair it or to download.
        "fixup": "never",
        "postprocessors": [],
        "external_downloader": {"default": "native"},
        "socket_timeout": _SOCKET_TIMEOUT_S,
        "retries": _N_RETRIES,
        "fragment_retries": _N_RETRIES,
        "extractor_retries": 1,
        "color": "never",
        "noprogress": True,
        "logger": _Log(),
    }
    if job["proxy"]:
        options["proxy"] = job["proxy"]
    if job["cookies_file"]:
        options["cookiefile"] = job["cookies_file"]
    return options


class _Log:
    """What yt-dlp reports, without its progress."""

    def debug(self, message: str) -> None:
        return

    def warning(self, message: str) -> None:
        print(message, file=sys.stderr)

    error = warning


def _end_with_parent(folder: Path) -> None:
    """Wait until the parent is gone, by whatever signal; then remove all traces."""
    while os.read(sys.stdin.fileno(), 1):
        continue
    for _ in range(3):  # a file that yt-dlp begins meanwhile would keep the folder
        shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)  # the JavaScript engine too


def main() -> None:
    """Do the job that stdin names."""
    job = json.loads(os.fdopen(os.dup(0), "rb", buffering=0).readline())
    folder = Path.cwd()
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    # Nothing is read from the home folder (.netrc, caches of the engine), or left outside.
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    text = json.dumps(fetch(job), ensure_ascii=False)
    # Half of a pair of UTF-16, as in a mutilated title, can be stored nowhere.
    (folder / ANSWER_FILE).write_text(text, "utf-8", errors="replace")


if __name__ == "__main__":
    main()
