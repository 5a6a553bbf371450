"""Containers, sample formats and limits of `emosync.audio`, on synthetic tones."""

import io
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
from encodings_of_voice import ENCODINGS, encoded, silent_video, video
from peak_memory import printed_by

from emosync.audio import AudioLimits, decode, decode_blocks
from emosync.errors import (
    EmoSyncError,
    NoAudioTrack,
    SilentAudio,
    TooLong,
    TooShort,
    UnreadableMedia,
    UnsupportedMedia,
)
from emosync.lost_bytes import lost_bytes

FloatArray = npt.NDArray[np.float32]
# Containers that can be joined at any moment, and so state no length.
ENDLESS = {"aac", "ts", "flv"}


def tone(duration_s: float = 1.0, *, sr: int = 16_000, hz: float = 440.0) -> FloatArray:
    t = np.arange(round(duration_s * sr)) / sr
    return (0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def wav_bytes(
    y: npt.NDArray[np.floating], sr: int = 16_000, *, subtype: str = "PCM_16", kind: str = "WAV"
) -> bytes:
    out = io.BytesIO()
    sf.write(out, y, sr, format=kind, subtype=subtype)
    return out.getvalue()


def peak_hz(y: FloatArray, sr: int = 16_000) -> float:
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    return float(np.argmax(spectrum) * sr / len(y))


@pytest.mark.parametrize(("container", "codec", "sr", "muxer"), ENCODINGS)
def test_every_container_is_decoded(container: str, codec: str, sr: int, muxer: str) -> None:
    recording = decode(encoded(tone(1.0, sr=sr), codec=codec, sr=sr, muxer=muxer))
    assert recording.container == container
    assert recording.sr == 16_000
    assert recording.y.dtype == np.float32
    assert recording.y.ndim == 1
    assert recording.duration_s == pytest.approx(1.0, abs=0.12)
    assert peak_hz(recording.y) == pytest.approx(440, abs=3)
    # The AAC encoder of FFmpeg overshoots where the tone starts and ends.
    assert np.abs(recording.y[4_000:12_000]).max() == pytest.approx(0.5, abs=0.08)


def test_vorbis_is_decoded() -> None:
    recording = decode(wav_bytes(tone(1.0, sr=44_100), 44_100, kind="OGG", subtype="VORBIS"))
    assert recording.container == "ogg"
    assert peak_hz(recording.y) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize("sr", [8_000, 16_000, 44_100, 96_000])
def test_every_wav_subtype_and_rate_gives_the_same_tone(subtype: str, sr: int) -> None:
    y = decode(wav_bytes(tone(1.0, sr=sr), sr, subtype=subtype)).y
    assert len(y) == pytest.approx(16_000, abs=1)
    assert np.abs(y[500:-500] - tone()[: len(y)][500:-500]).max() < 0.02


def test_a_wav_at_the_wanted_rate_is_returned_sample_by_sample() -> None:
    y = tone()
    np.testing.assert_array_equal(decode(wav_bytes(y, subtype="FLOAT")).y, y)


def test_both_ways_of_reading_agree() -> None:
    y = tone(2.0, sr=44_100)
    by_soundfile = decode(wav_bytes(y, 44_100)).y
    by_ffmpeg = decode(wav_bytes(y, 44_100, kind="AIFF")).y
    np.testing.assert_allclose(by_soundfile, by_ffmpeg, atol=1e-6)


def test_blocks_join_without_a_seam() -> None:
    # 90 s at 44.1 kHz stereo spans several blocks of both readers.
    y = tone(90.0, sr=44_100)
    got = decode(wav_bytes(np.stack([y, y], axis=1), 44_100)).y
    assert np.abs(got - tone(90.0)[: len(got)])[500:-500].max() < 1e-3


@pytest.mark.parametrize(("container", "codec", "sr", "muxer"), ENCODINGS)
def test_blocks_hold_what_decoding_at_once_gives(
    container: str, codec: str, sr: int, muxer: str
) -> None:
    data = encoded(tone(5.0, sr=sr), codec=codec, sr=sr, muxer=muxer)
    blocks = list(decode_blocks(data))
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), decode(data).y)


@pytest.mark.parametrize("sr", [8_000, 44_100])
def test_blocks_come_at_the_rate_asked_for(sr: int) -> None:
    y = np.concatenate(list(decode_blocks(wav_bytes(tone(3.0)), sr=sr)))
    assert len(y) == pytest.approx(3 * sr, abs=1)
    assert peak_hz(y, sr) == pytest.approx(440, abs=1)


def test_a_block_is_a_minute_at_most() -> None:
    y = tone(150.0, sr=44_100)
    mp3 = encoded(y, codec="libmp3lame", sr=44_100, muxer="mp3")
    for data in (wav_bytes(np.stack([y, y], axis=1), 44_100), mp3):
        lengths = [len(block) for block in decode_blocks(data)]
        assert max(lengths) <= 60 * 16_000
        assert sum(lengths) == pytest.approx(150 * 16_000, abs=2_000)


def refused(data: bytes, limits: AudioLimits | None) -> tuple[EmoSyncError, EmoSyncError]:
    """Decode both ways, and return both errors."""
    with pytest.raises(EmoSyncError) as at_once:
        decode(data, limits=limits)
    with pytest.raises(EmoSyncError) as in_blocks:
        list(decode_blocks(data, limits=limits))
    return at_once.value, in_blocks.value


def test_blocks_end_in_the_errors_of_decoding_at_once() -> None:
    song = AudioLimits(min_duration_s=2.0, max_duration_s=4.0)
    mp3 = encoded(tone(3.0, sr=44_100), codec="libmp3lame", sr=44_100, muxer="mp3")
    cases: dict[type[EmoSyncError], tuple[bytes, AudioLimits | None]] = {
        UnsupportedMedia: (b"hello, this is text", None),
        NoAudioTrack: (silent_video(), song),
        UnreadableMedia: (mp3[: len(mp3) // 2], song),
        TooShort: (wav_bytes(tone(1.99)), song),
        TooLong: (wav_bytes(tone(4.01)), song),
        SilentAudio: (wav_bytes(np.zeros(48_000, np.float32)), song),
    }
    for kind, (data, limits) in cases.items():
        at_once, in_blocks = refused(data, limits)
        assert type(at_once) is type(in_blocks) is kind
        assert at_once.message == in_blocks.message


@pytest.mark.parametrize("muxer", ["flac", "wav"])
def test_what_is_too_long_is_not_decoded_beyond_the_limit(muxer: str) -> None:
    y = tone(300.0, sr=44_100)
    data = wav_bytes(np.stack([y, y], axis=1), 44_100, kind=muxer.upper())
    decoded_s = 0.0
    with pytest.raises(TooLong):
        for block in decode_blocks(data, limits=AudioLimits(max_duration_s=100.0)):
            decoded_s += len(block) / 16_000
    assert 80 < decoded_s <= 100


def test_nothing_is_read_before_the_first_block_is_asked_for() -> None:
    blocks = decode_blocks(b"no audio")
    with pytest.raises(UnsupportedMedia):
        next(blocks)


def test_a_recording_may_be_left_in_its_middle() -> None:
    y = tone(60.0, sr=44_100)
    for data in (
        wav_bytes(np.stack([y, y], axis=1), 44_100),
        encoded(y, codec="libmp3lame", sr=44_100, muxer="mp3"),
    ):
        blocks = decode_blocks(data)
        first = next(blocks)
        del blocks  # a file left open would warn, and a warning is an error
        assert 0 < len(first) < 60 * 16_000


def test_channels_are_mixed_by_their_mean() -> None:
    y = tone()
    eight = np.zeros((len(y), 8), dtype=np.float32)
    eight[:, 3] = y
    np.testing.assert_allclose(decode(wav_bytes(eight, subtype="FLOAT")).y, y / 8, atol=1e-7)


@pytest.mark.parametrize(
    ("codec", "muxer", "delay"),
    [
        ("aac", "adts", 1_024),
        ("flac", "flac", 0),
        ("libopus", "ogg", 0),
        ("pcm_s64le", "wav", 0),
        ("pcm_f64le", "wav", 0),
    ],
)
def test_eight_channels_are_mixed_whatever_the_codec(codec: str, muxer: str, delay: int) -> None:
    sr = 48_000
    y = np.stack([tone(sr=sr, hz=200 + 50 * i) for i in range(8)])
    data = encoded(y.astype(np.float32), codec=codec, sr=sr, muxer=muxer, layout="7.1")
    got = decode(data, sr=sr).y[delay : delay + 40_000]
    # Of the eight channels AAC keeps nothing but the lowest bass of one.
    assert np.corrcoef(got, y.mean(axis=0)[: len(got)])[0, 1] > (0.85 if codec == "aac" else 0.99)


def test_more_channels_than_can_be_counted_are_refused() -> None:
    y = np.tile(tone(sr=48_000), (16, 1))
    data = encoded(y, codec="aac", sr=48_000, muxer="adts", layout="hexadecagonal")
    with pytest.raises(UnreadableMedia, match="16 channels"):
        decode(data)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_no_numbers_leave_the_rest_usable(bad: float) -> None:
    y = tone().astype(np.float64)
    y[100] = bad
    got = decode(wav_bytes(y, subtype="DOUBLE")).y
    assert np.isfinite(got).all()
    assert np.abs(got).max() <= 1
    np.testing.assert_allclose(got[101:], y[101:], atol=1e-6)


@pytest.mark.parametrize("sr", [16_000, 44_100])
def test_a_clipped_wave_stays_within_full_scale(sr: int) -> None:
    y = np.clip(40 * tone(sr=sr), -3, 3)
    got = decode(wav_bytes(y, sr, subtype="FLOAT")).y
    assert np.abs(got).max() == 1


def test_a_name_in_the_content_does_not_matter_a_playlist_is_no_audio(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav_bytes(tone()))
    for text in (f"#EXTM3U\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile {secret}\n"):
        with pytest.raises(UnsupportedMedia):
            decode(text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is text",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(64),
        b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(64),
        b"%PDF-1.4",
        bytes(1000),
        b"\x00",
    ],
)
def test_what_is_no_audio_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        decode(data)


def test_random_bytes_are_never_taken_for_audio(rng: np.random.Generator) -> None:
    heads = [b"", b"\xff\xfb\x90", b"\xff\xf1\x50", b"ID3\x04\x00\x00\x00\x00\x00\x0a", b"OggS"]
    heads += [b"fLaC", b"\x1aE\xdf\xa3", b"\0\0\0\x18ftyp", b"\0\0\0\x18mdat", b"#!AMR\n", b"caff"]
    heads += [b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", b"FORM\0\0\0\0AIFF", b".snd"]
    for head in heads * 5:
        with pytest.raises((UnsupportedMedia, UnreadableMedia, NoAudioTrack)):
            decode(head + rng.bytes(20_000))


@pytest.mark.parametrize(("container", "codec", "sr", "muxer"), ENCODINGS)
def test_a_damaged_file_is_read_or_refused(
    rng: np.random.Generator, container: str, codec: str, sr: int, muxer: str
) -> None:
    whole = np.frombuffer(encoded(tone(sr=sr), codec=codec, sr=sr, muxer=muxer), np.uint8)
    for _ in range(20):
        damaged = whole.copy()
        damaged[rng.integers(0, rng.choice([64, 300, len(whole)]), 5)] = rng.integers(0, 256, 5)
        try:
            y = decode(damaged.tobytes()).y
        except EmoSyncError:
            continue
        assert np.isfinite(y).all()


def test_an_empty_file_is_unreadable() -> None:
    with pytest.raises(UnreadableMedia, match="empty"):
        decode(b"")


@pytest.mark.parametrize("length", [12, 20, 40, 44])
def test_a_wav_of_a_header_only_is_unreadable(length: int) -> None:
    with pytest.raises(UnreadableMedia):
        decode(wav_bytes(tone())[:length])


def test_a_wav_without_samples_is_unreadable() -> None:
    with pytest.raises(UnreadableMedia, match="no audio samples"):
        decode(wav_bytes(np.zeros(0, np.float32)))


@pytest.mark.parametrize("kept", [0.5, 0.8])
@pytest.mark.parametrize(
    ("container", "codec", "sr", "muxer"), [e for e in ENCODINGS if e[0] not in ENDLESS]
)
def test_a_file_that_is_cut_off_is_unreadable(
    container: str, codec: str, sr: int, muxer: str, kept: float
) -> None:
    data = encoded(tone(4.0, sr=sr), codec=codec, sr=sr, muxer=muxer)
    assert not lost_bytes(container, data)
    with pytest.raises(UnreadableMedia, match="cut off"):
        decode(data[: int(kept * len(data))])


@pytest.mark.parametrize(
    ("container", "codec", "sr", "muxer"), [e for e in ENCODINGS if e[0] in ENDLESS]
)
def test_of_a_stream_without_an_end_all_that_came_is_heard(
    container: str, codec: str, sr: int, muxer: str
) -> None:
    data = encoded(tone(4.0, sr=sr), codec=codec, sr=sr, muxer=muxer)
    assert decode(data[: len(data) // 2]).duration_s == pytest.approx(2.0, abs=0.1)


def test_a_recorder_that_was_not_done_states_no_length() -> None:
    data = bytearray(encoded(tone(2.0, sr=22_050), codec="pcm_s16le", sr=22_050, muxer="caf"))
    struct.pack_into(">q", data, data.index(b"data") + 4, -1)
    assert decode(bytes(data)).duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("size", [-2, 2**63 - 1])
def test_a_chunk_of_impossible_size_is_unreadable(size: int) -> None:
    data = bytearray(encoded(tone(2.0, sr=22_050), codec="pcm_s16le", sr=22_050, muxer="caf"))
    struct.pack_into(">q", data, data.index(b"desc") + 4, size)
    with pytest.raises(UnreadableMedia):
        decode(bytes(data))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_streamed_without_its_length_is_read_to_its_end(size: int) -> None:
    data = bytearray(wav_bytes(tone()))
    struct.pack_into("<I", data, data.index(b"data") + 4, size)
    assert decode(bytes(data)).duration_s == pytest.approx(1.0, abs=0.01)


def test_a_few_lost_bytes_at_the_end_are_forgiven() -> None:
    assert decode(wav_bytes(tone())[:-100]).duration_s == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("muxer", "codec"), [("mp4", "aac"), ("webm", "libopus")])
def test_of_a_video_the_sound_is_taken(muxer: str, codec: str) -> None:
    film = video(tone(2.0, sr=48_000), sr=48_000, muxer=muxer, codec=codec)
    found = decode(film)
    assert found.container == muxer
    assert found.duration_s == pytest.approx(2.0, abs=0.1)
    assert peak_hz(found.y) == pytest.approx(440, abs=2)


def test_a_video_without_sound_has_no_audio_track() -> None:
    with pytest.raises(NoAudioTrack):
        decode(silent_video())


def test_a_short_recording_is_refused_and_the_limit_itself_is_not() -> None:
    with pytest.raises(TooShort, match=r"0\.29 s"):
        decode(wav_bytes(tone(0.29)))
    assert decode(wav_bytes(tone(0.3))).duration_s == pytest.approx(0.3)


def test_a_long_recording_is_refused_and_the_limit_itself_is_not() -> None:
    limits = AudioLimits(max_duration_s=2.0)
    with pytest.raises(TooLong, match="2 s"):
        decode(wav_bytes(tone(2.01)), limits=limits)
    assert decode(wav_bytes(tone(2.0)), limits=limits).duration_s == pytest.approx(2.0)


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_a_constant_signal_is_silence(level: float) -> None:
    with pytest.raises(SilentAudio):
        decode(wav_bytes(np.full(44_100, level, np.float32), 44_100))


def test_a_quiet_voice_is_not_silence() -> None:
    assert decode(wav_bytes(tone() * 0.002)).duration_s == pytest.approx(1.0)


def test_a_decompression_bomb_stops_at_the_limit_with_bounded_memory(tmp_path: Path) -> None:
    # Ten hours at 8 kHz, silent but for a beep: 576 MB as 16-bit audio, 1 MB as FLAC.
    bomb = tmp_path / "bomb.flac"
    minute = np.zeros(60 * 8_000, dtype=np.int16)
    minute[:8_000] = 10_000 * tone(sr=8_000)
    with sf.SoundFile(bomb, "w", 8_000, 1, format="FLAC") as sink:
        for i in range(600):
            sink.write(minute if i == 0 else np.zeros_like(minute))
    assert bomb.stat().st_size < 2_000_000
    before_kb, peak_kb = printed_by(
        """
from emosync.audio import decode
from emosync.errors import TooLong

data = Path(sys.argv[1]).read_bytes()
print(peak_kb())
try:
    decode(data)
except TooLong:
    print(peak_kb())
""",
        str(bomb),
    )
    # The whole would take 2.3 GB as float32 at 16 kHz.
    assert peak_kb - before_kb < 100_000
