import io
from dataclasses import replace

import pytest
from PIL import Image
from pypdf import PdfReader

from emosync.labels import SONG_OUTER_EMOTIONS
from emosync.report import ReportData
from emosync.results import Window
from emosync.song_plots import song_panels
from emosync.song_report import mood_report, song_report

SHARES = {"Happy": 0.5, "Calm": 0.3, "Frustrated": 0.2}
DATA = ReportData(
    filename="song.mp3",
    audio_file="20240115-143025-3f9ab27c81de4455.mp3",
    timestamp="2024-01-15 14:30:25",
    emotion="Happy",
    confidence=0.5,
    probabilities=SHARES,
    method="audio",
    duration_s=100.2,
    windows=(
        Window(0.0, "Happy", 0.9),
        Window(50.0, "Calm", 0.8),
        Window(80.0, "Frustrated", 0.75),
        Window(100.0, "Completed", 1.0),
    ),
)


@pytest.fixture(scope="module")
def panels() -> bytes:
    emotions = [(0.0, "Happy"), (0.5, "Completed")]
    return song_panels([0.0, 0.5], [0.1, 0.2], [0.1, 0.2], emotions, title="song.mp3")


def text_of(pdf: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split()
    )


def test_the_report_says_what_was_told_of_the_song(panels: bytes) -> None:
    text = text_of(song_report(DATA, panels=panels))
    for fact in ("song.mp3", DATA.audio_file, DATA.timestamp, "1:40 min", "Song emotion report"):
        assert fact in text
    assert "Happy 50.0% of the time" in text
    assert "0:00 Happy 90.0%" in text
    assert "1:20 Frustrated 75.0%" in text
    assert "Completed" not in text


def test_nothing_is_said_of_voices_or_of_persons(panels: bytes) -> None:
    text = text_of(song_report(DATA, panels=panels)).lower()
    assert not {"voice", "voices", "speech", "person"} & set(text.replace(".", " ").split())


@pytest.mark.parametrize("n_windows", [2, 10, 49, 400])
def test_the_report_is_two_pages_for_any_song(panels: bytes, n_windows: int) -> None:
    windows = [Window(4.0 * i, SONG_OUTER_EMOTIONS[i % 12], 0.5) for i in range(n_windows - 1)]
    shares = dict.fromkeys(SONG_OUTER_EMOTIONS, 1 / 12)
    end = Window(4.0 * n_windows, "Completed", 1.0)
    data = replace(DATA, windows=(*windows, end), probabilities=shares)
    pdf = song_report(data, panels=panels)
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 2
    assert ("more." in text_of(pdf)) == (n_windows > 49)


def test_the_picture_is_on_the_first_page(panels: bytes) -> None:
    pdf = PdfReader(io.BytesIO(song_report(DATA, panels=panels)))
    (image,) = pdf.pages[0].images
    assert image.image is not None
    width, height = Image.open(io.BytesIO(panels)).size
    assert image.image.size == (width, height - 66)
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Song emotion report: song.mp3"


def test_a_name_is_text_never_markup(panels: bytes) -> None:
    name = "<b>bold</b> & <img src='x'/>.mp3"
    assert name in text_of(song_report(replace(DATA, filename=name), panels=panels))


def test_the_report_says_how_the_curve_became_the_sequence(panels: bytes) -> None:
    text = text_of(song_report(replace(DATA, settings="smooth 5, amplify 3"), panels=panels))
    assert "Settings smooth 5, amplify 3" in text


def test_the_report_on_a_mood_tells_of_moods(panels: bytes) -> None:
    moods = {"Sad": 0.6, "Energetic": 0.2, "Happy": 0.15, "Calm": 0.05}
    data = replace(DATA, emotion="Sad", confidence=0.6, probabilities=moods, task="mood")
    text = text_of(mood_report(data, panels=panels))
    assert "Sad 60.0% confidence" in text
    assert "which of four moods" in text


def test_a_song_without_a_sequence_has_a_report(panels: bytes) -> None:
    assert "Playback sequence" not in text_of(song_report(replace(DATA, windows=()), panels=panels))
