"""The real yt-dlp, in its child process, against servers on this machine."""

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
from buckets import Respond
from conftest import ROOT, MakeWav
from video_site import (
    ID,
    Page,
    breaking_off,
    endless,
    send,
    sending,
    silent,
    slow,
    start,
    video_site,
)

from emosync import video_download
from emosync.config import Config
from emosync.errors import (
    EmoSyncError,
    InvalidVideoUrl,
    Unavailable,
    VideoBotCheck,
    VideoBusy,
    VideoDisabled,
    VideoLengthUnknown,
    VideoLive,
    VideoRefused,
    VideoTimeout,
    VideoTooLarge,
    VideoTooLong,
)
from emosync.video_download import MAX_AT_ONCE, YOUTUBE, Video, VideoDownloads, VideoSite
from emosync.video_urls import watch_url

SECRET = "secret-of-the-tests"
# A child that never answers, and has one itself; both are deaf to all that can be ignored.
HANGING_CHILD = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
time.sleep(100)
"""

Fetch = Callable[..., Video]


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in a folder, whose start leaves it with a new one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            where = os.readlink(path)
        except OSError:
            continue  # gone meanwhile
        if where.startswith(str(folder)):
            found.append(int(path.parent.name))
    return found


def zombies() -> list[int]:
    """Return the children of this process that ended and were not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(parent) == os.getpid():
            found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Hold every test to leaving nothing behind: no file, no process, no zombie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    assert list(folder.iterdir()) == []
    # A killed grandchild takes a moment to be gone.
    wait_until(lambda: not processes_in(folder), 5.0)
    assert zombies() == []


@pytest.fixture
def recording(make_wav: MakeWav) -> bytes:
    return make_wav(1.0)


@pytest.fixture
def fetch(recording: bytes) -> Fetch:
    def run(page: Page | None = None, media: Respond | None = None, **settings: object) -> Video:
        config = Config(**settings)  # type: ignore[arg-type]
        with video_site(page or Page(), media or sending(recording)) as site:
            return VideoDownloads(config, site).fetch(ID)

    return run


@pytest.fixture
def enough_s(fetch: Fetch) -> float:
    """Measure how long yt-dlp takes here; a slow machine must not end the slow servers early."""
    begin_s = time.monotonic()
    fetch()
    return 0.5 + 1.5 * (time.monotonic() - begin_s)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let another program run in place of the child."""

    def replace(text: str) -> None:
        path = tmp_path / "child.py"
        path.write_text(text)
        monkeypatch.setattr(video_download, "_CHILD_PATH", path)

    return replace


def test_a_video_arrives_as_it_was_sent(fetch: Fetch, recording: bytes) -> None:
    video = fetch(Page(title="Ein Lied 🎵", duration="PT1M2.5S"))
    assert video == Video("Ein Lied 🎵", recording, 62.5)


def test_half_a_character_in_a_title_can_be_stored(fetch: Fetch) -> None:
    assert fetch(Page(title="a\ud800b")).title.encode()


def test_a_video_of_the_longest_length_is_taken(fetch: Fetch) -> None:
    assert fetch(Page(duration="PT5S"), max_video_duration_s=5.0).duration_s == 5


def test_a_video_that_is_too_long_is_not_downloaded(fetch: Fetch) -> None:
    page, wanted = Page(duration="PT10M1S"), Page()
    with pytest.raises(VideoTooLong, match="longer than 600 s") as caught:
        fetch(page)
    assert caught.value.status == 422
    fetch(wanted)
    # The extractor looks at the kind of the media; the download is a request more.
    assert len(page.asked) == len(wanted.asked) - 1


def test_a_video_of_unknown_length_is_refused(fetch: Fetch) -> None:
    with pytest.raises(VideoLengthUnknown, match="length is not known"):
        fetch(Page(duration=None))


def test_a_direct_link_to_media_states_no_length(recording: bytes) -> None:
    with video_site(Page(), sending(recording)) as site:
        direct = VideoSite(lambda video_id: site.address_of(video_id) + "/media.wav", "generic")
        with pytest.raises(VideoLengthUnknown):
            VideoDownloads(Config(), direct).fetch(ID)


def test_a_broadcast_is_refused(fetch: Fetch) -> None:
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nmedia0.ts\n"  # and no end
    with pytest.raises(VideoLive, match="live"):
        fetch(Page(media="/live.m3u8"), sending(playlist, "application/vnd.apple.mpegurl"))


def test_a_body_that_is_stated_to_be_too_large_is_not_downloaded(fetch: Fetch) -> None:
    begin_s = time.monotonic()
    with pytest.raises(VideoTooLarge, match=r"larger than 0\.5 MB"):
        fetch(media=breaking_off(10**12, bytes(100_000)), max_upload_mb=0.5)
    assert time.monotonic() - begin_s < 30


def test_an_endless_body_is_cut_at_the_limit(fetch: Fetch) -> None:
    with pytest.raises(VideoTooLarge) as caught:
        fetch(media=endless, max_upload_mb=0.5)
    assert caught.value.status == 422


def test_a_body_that_unpacks_to_more_than_it_promised_is_cut_at_the_limit(fetch: Fetch) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(VideoTooLarge):
        fetch(media=sending(bomb, Content_Encoding="gzip"), max_upload_mb=0.5)


def test_what_a_server_sends_beyond_its_promise_is_not_read(fetch: Fetch) -> None:
    def more(request: object) -> None:
        start(request, "audio/wav", Content_Length="1000")  # type: ignore[arg-type]
        request.wfile.write(bytes(100_000))  # type: ignore[attr-defined]

    assert fetch(media=more).data == bytes(1000)


def test_a_body_that_always_breaks_off_is_refused(fetch: Fetch) -> None:
    with pytest.raises(VideoRefused):
        fetch(media=breaking_off(10_000, bytes(5_000)))


def test_files_that_grow_behind_yt_dlps_back_are_measured(
    stand_in: Callable[[str], None], fetch: Fetch
) -> None:
    stand_in("n = 0\nwhile True:\n    open(f'part{n % 9}', 'ab').write(bytes(10000)); n += 1\n")
    with pytest.raises(VideoTooLarge):
        fetch(max_upload_mb=0.5)


@pytest.mark.parametrize("media", [slow, silent])
def test_a_server_that_takes_too_long_is_left(
    fetch: Fetch, enough_s: float, media: Respond
) -> None:
    page, begin_s = Page(), time.monotonic()
    with pytest.raises(VideoTimeout, match=f"within {enough_s:g} s") as caught:
        fetch(page, media, youtube_timeout_s=enough_s)
    assert caught.value.status == 504
    assert "/media.wav" in page.asked
    assert time.monotonic() - begin_s < enough_s + 5


@pytest.mark.parametrize("status", [403, 404, 410, 500])
def test_a_page_that_is_not_there_is_refused(fetch: Fetch, status: int) -> None:
    with pytest.raises(VideoRefused, match="POST /predict") as caught:
        fetch(Page(status=status))
    assert (caught.value.status, caught.value.code) == (502, "video_refused")


def test_media_that_are_not_there_are_refused(fetch: Fetch) -> None:
    with pytest.raises(VideoRefused):
        fetch(media=sending(b"no", "text/plain", 404))


def test_too_many_requests_are_told_apart(fetch: Fetch) -> None:
    with pytest.raises(VideoBotCheck):
        fetch(Page(status=429))


def test_a_file_of_the_server_is_not_read(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "private.wav").write_text(SECRET)
    with pytest.raises(VideoRefused):
        fetch(Page(media=f"file://{tmp_path}/private.wav"))


def test_another_site_than_the_named_one_is_not_read(recording: bytes) -> None:
    page = Page()
    with video_site(page, sending(recording)) as site, pytest.raises(VideoRefused):
        VideoDownloads(Config(), VideoSite(site.address_of, "youtube")).fetch(ID)
    assert page.asked == []


def test_a_child_that_hangs_is_killed_with_its_own_children(
    stand_in: Callable[[str], None], fetch: Fetch, temporary: Path
) -> None:
    stand_in(HANGING_CHILD)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(fetch, youtube_timeout_s=3.0)
        wait_until(lambda: len(processes_in(temporary)) == 2)
        with pytest.raises(VideoTimeout):
            outcome.result()


def test_what_a_child_leaves_running_is_killed(
    stand_in: Callable[[str], None], fetch: Fetch
) -> None:
    stand_in(HANGING_CHILD.replace("time.sleep(100)\n", ""))
    with pytest.raises(VideoRefused):
        fetch()


def test_a_child_that_crashes_tells_the_log_and_not_the_client(
    stand_in: Callable[[str], None], fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in(f"import sys; sys.exit('{SECRET}\\n in /home')")
    with caplog.at_level(logging.WARNING), pytest.raises(VideoRefused) as caught:
        fetch()
    assert SECRET not in caught.value.message
    assert f"{SECRET}\\n in /home" in caplog.text  # on one line


def test_a_child_that_was_killed_while_it_answered_is_a_refusal(
    stand_in: Callable[[str], None], fetch: Fetch
) -> None:
    stand_in("open('media', 'w'); open('answer.json', 'w').write('{\"title\": ')")
    with pytest.raises(VideoRefused):
        fetch()


def test_nothing_that_yt_dlp_says_reaches_the_client(
    fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(EmoSyncError) as caught:
        fetch(Page(status=404))
    assert "HTTP Error 404" in caplog.text
    for word in ("404", "127.0.0.1", "generic", tempfile.gettempdir()):
        assert word not in caught.value.message


def test_an_interrupted_caller_leaves_nothing(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(video_download, "_size_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(media=slow)


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_worker_that_is_killed_leaves_nothing(temporary: Path, name: str) -> None:
    page = Page()
    with video_site(page, slow) as site:
        script = f"""
import tempfile
from emosync.config import Config
from emosync.video_download import VideoDownloads, VideoSite
tempfile.tempdir = {str(temporary)!r}
site = VideoSite(lambda video_id: {site.address_of(ID)!r}, "generic")
VideoDownloads(Config(), site).fetch("{ID}")
"""
        worker = subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: page.asked.count("/media.wav") == 2)
        assert len(list(temporary.iterdir())) == 1
        worker.send_signal(signal.Signals[name])
        worker.wait()
        wait_until(lambda: not list(temporary.iterdir()))


def test_more_than_a_few_at_a_time_are_sent_away(
    stand_in: Callable[[str], None], temporary: Path, recording: bytes
) -> None:
    stand_in(HANGING_CHILD)
    with video_site(Page(), sending(recording)) as site:
        downloads = VideoDownloads(Config(youtube_timeout_s=4.0), site)
        with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
            outcomes = [pool.submit(downloads.fetch, ID) for _ in range(MAX_AT_ONCE)]
            wait_until(lambda: len(list(temporary.iterdir())) == MAX_AT_ONCE)
            with pytest.raises(VideoBusy, match="try again") as caught:
                downloads.fetch(ID)
            assert caught.value.status == 503
            assert all(isinstance(o.exception(), VideoTimeout) for o in outcomes)
        stand_in("raise SystemExit")
        with pytest.raises(VideoRefused):  # and not VideoBusy
            downloads.fetch(ID)


def test_threads_fetch_side_by_side(recording: bytes) -> None:
    together = threading.Barrier(MAX_AT_ONCE, timeout=60)
    page = Page()

    def media(request: object) -> None:
        if page.asked.count("/media.wav") <= MAX_AT_ONCE:
            together.wait()
        send(request, recording, "audio/wav")  # type: ignore[arg-type]

    with video_site(page, media) as site, ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        videos = list(pool.map(VideoDownloads(Config(), site).fetch, [ID] * MAX_AT_ONCE))
    assert [video.data for video in videos] == [recording] * MAX_AT_ONCE


def test_a_server_can_be_set_up_to_fetch_nothing(fetch: Fetch) -> None:
    page = Page()
    with pytest.raises(VideoDisabled, match="POST /predict") as caught:
        fetch(page, youtube_enabled=False)
    assert caught.value.status == 403
    assert page.asked == []


def test_cookies_are_sent_and_their_file_is_left_alone(
    fetch: Fetch, tmp_path: Path, recording: bytes
) -> None:
    text = f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{SECRET}\n"
    path, page = tmp_path / "cookies.txt", Page()
    path.write_text(text)
    path.chmod(0o400)
    fetch(page, sending(recording, Set_Cookie="more=1"), youtube_cookies_file=str(path))
    assert f"session={SECRET}" in str(page.cookies[0])
    assert path.read_text() == text


def test_cookies_that_were_removed_meanwhile_are_not_named(fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        fetch(youtube_cookies_file=str(tmp_path / "none"))
    assert str(tmp_path) not in caught.value.message


def test_a_proxy_is_asked_for_everything(recording: bytes) -> None:
    page = Page()
    with video_site(page, sending(recording)) as proxy:
        url = proxy.address_of("").removesuffix("/watch/")
        site = VideoSite(lambda video_id: f"http://video.example/watch/{video_id}", "generic")
        assert VideoDownloads(Config(youtube_proxy=url), site).fetch(ID).data == recording
    assert set(page.asked) == {
        f"http://video.example/watch/{ID}",
        "http://video.example/media.wav",
    }


def test_the_child_gets_no_secret_and_no_plug_in(
    stand_in: Callable[[str], None], fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, SECRET)
    stand_in(
        "import json, os, sys\n"
        "json.dump({'title': json.dumps([dict(os.environ), sys.argv, sys.path]),\n"
        "           'duration_s': 1}, open('answer.json', 'w'))\n"
        "open('media', 'w')\n"
    )
    environ, argv, path = json.loads(fetch().title)
    assert SECRET not in environ.values()
    assert environ["YTDLP_NO_PLUGINS"] == "1"
    assert len(argv) == 1  # what is asked for is not shown to every user of the machine
    assert "" not in path


def test_only_ids_reach_yt_dlp() -> None:
    with pytest.raises(InvalidVideoUrl):
        VideoDownloads(Config()).fetch("--exec=true")


def test_videos_come_from_youtube_whatever_the_settings() -> None:
    assert VideoSite(watch_url, "youtube") == YOUTUBE
    assert not [f.name for f in fields(Config) if "host" in f.name or "site" in f.name]
    assert VideoDownloads(Config())._site is YOUTUBE


def test_yt_dlp_stays_out_of_the_process_that_answers(fetch: Fetch) -> None:
    fetch()
    assert "yt_dlp" not in sys.modules
