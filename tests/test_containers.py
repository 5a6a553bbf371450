import pytest

from emosync.containers import SIGNATURES, after_id3, container_of, identify
from emosync.errors import UnreadableMedia, UnsupportedMedia

MATROSKA = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x88"
# The first bytes of a file, its container, and FFmpeg's demuxer.
HEADS = {
    "wav": (b"RIFF\x24\x08\x00\x00WAVEfmt ", "wav", "wav"),
    "wav of more than 4 GB": (b"RF64\xff\xff\xff\xffWAVEds64", "wav", "wav"),
    "avi": (b"RIFF\x24\x08\x00\x00AVI LIST", "avi", "avi"),
    "aiff": (b"FORM\x00\x00\x10\x00AIFFCOMM", "aiff", "aiff"),
    "compressed aiff": (b"FORM\x00\x00\x10\x00AIFCFVER", "aiff", "aiff"),
    "flac": (b"fLaC\x00\x00\x00\x22", "flac", "flac"),
    "ogg": (b"OggS\x00\x02", "ogg", "ogg"),
    "webm": (MATROSKA + b"webm", "webm", "matroska"),
    "mkv": (MATROSKA + b"matroska", "mkv", "matroska"),
    "mp4": (b"\x00\x00\x00\x20ftypisom", "mp4", "mov"),
    "m4a": (b"\x00\x00\x00\x1cftypM4A ", "mp4", "mov"),
    "old mov": (b"\x00\x00\x00\x08wide\x00\x00", "mp4", "mov"),
    "adts": (b"\xff\xf1\x50\x80\x02\x1f", "aac", "aac"),
    "mp3": (b"\xff\xfb\x90\x00", "mp3", "mp3"),
    "mp3 of MPEG-2": (b"\xff\xf3\x40\xc0", "mp3", "mp3"),
    "mp3 of MPEG-2.5": (b"\xff\xe3\x18\xc0", "mp3", "mp3"),
    "amr": (b"#!AMR\n\x3c", "amr", "amr"),
    "au": (b".snd\x00\x00\x00\x18", "au", "au"),
    "caf": (b"caff\x00\x01\x00\x00", "caf", "caf"),
    "wma": (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "wma", "asf"),
    "flv": (b"FLV\x01\x05", "flv", "flv"),
    "ts": (b"\x47" + bytes(187) + b"\x47" + bytes(187), "ts", "mpegts"),
}

each_head = pytest.mark.parametrize("name", HEADS)


def id3(size: int, *, stated: int | None = None) -> bytes:
    """A tag of some length in bytes, whose header may state another."""
    n = size if stated is None else stated
    sizes = bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + sizes + bytes(size)


@each_head
def test_the_first_bytes_tell_container_and_demuxer(name: str) -> None:
    head, container, demuxer = HEADS[name]
    for data in (head, head + bytes(1000)):
        assert identify(data) == (container, demuxer)
        assert container_of(data) == container


def test_every_signature_is_met() -> None:
    assert {(c, d) for _, c, d in SIGNATURES} == {(c, d) for _, c, d in HEADS.values()}


@each_head
@pytest.mark.parametrize("size", [0, 127, 128, 300_000])
def test_a_tag_ahead_of_the_audio_is_passed_over(name: str, size: int) -> None:
    head, container, demuxer = HEADS[name]
    assert bytes(after_id3(id3(size) + head)) == head
    assert identify(id3(size) + head) == (container, demuxer)


@pytest.mark.parametrize("data", [b"ID3", id3(500), id3(20, stated=500), id3(900, stated=20)])
def test_a_tag_with_nothing_known_behind_it_is_taken_for_mp3(data: bytes) -> None:
    assert identify(data) == ("mp3", "mp3")


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        b"RIFF\x24\x00\x00\x00",
        b"FORM\x00\x00\x10\x008SVX",
        b"\xff\xfb\xf0\x00",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"\x47" + bytes(400),
        b" OggS",
        b"\x00",
        b"#EXTM3U\n",
    ],
)
def test_what_only_looks_like_a_recording_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="wav, mp3"):
        identify(data)


def test_nothing_at_all_is_unreadable() -> None:
    with pytest.raises(UnreadableMedia, match="empty"):
        identify(b"")
