import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from emosync import report, report_figures, sheet
from emosync.report import ReportData, speech_report
from emosync.results import Window

ROOT = Path(__file__).parent.parent
PROBABILITIES = {
    "angry": 0.612,
    "happy": 0.201,
    "fearful": 0.08,
    "disgust": 0.05,
    "surprised": 0.031,
    "sad": 0.026,
}
DATA = ReportData(
    filename="voice.m4a",
    audio_file="20240115-143025-3f9ab27c81de4455.webm",
    timestamp="2024-01-15 14:30:25",
    emotion="angry",
    confidence=0.612,
    probabilities=PROBABILITIES,
    method="whisper",
    duration_s=3.04,
)


@pytest.fixture(scope="module")
def panels() -> bytes:
    """Return a plain picture in the shape of the panels."""
    png = io.BytesIO()
    Image.new("RGB", (1012, 880), "navy").save(png, "PNG")
    return png.getvalue()


def read(pdf: bytes) -> str:
    """Return the PDF's text with every run of white space made one space."""
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split()
    )


def windows(*emotions: str, length_s: float = 8.0) -> tuple[Window, ...]:
    return tuple(Window(i * length_s, name, 0.5) for i, name in enumerate(emotions))


def test_the_report_says_what_was_predicted_when_and_how(panels: bytes) -> None:
    text = read(speech_report(DATA, panels=panels))
    for fact in ("voice.m4a", DATA.audio_file, f"{DATA.timestamp} UTC", "whisper", "3.0 s"):
        assert fact in text
    assert "Angry 61.2% confidence" in text


def test_every_probability_stands_beside_its_label(panels: bytes) -> None:
    text = read(speech_report(DATA, panels=panels))
    for label, share in PROBABILITIES.items():
        assert f"{label} {share:.1%}" in text


def test_the_report_says_how_far_to_trust_it(panels: bytes) -> None:
    text = read(speech_report(DATA, panels=panels))
    assert "How to read this" in text
    assert "It does not say what the person feels." in text
    assert "Do not base decisions about people on this report." in text
    assert "(Regulation 2024/1689, Article 5) bans" in text


def test_the_picture_is_in_the_report(panels: bytes) -> None:
    (image,) = PdfReader(io.BytesIO(speech_report(DATA, panels=panels))).pages[0].images
    assert image.image is not None
    # Without the head: the report has one of its own.
    assert image.image.size == (1012, 880 - 66)


@pytest.mark.parametrize("n_windows", [0, 1, 2, 75])
def test_the_report_is_two_pages_at_most(panels: bytes, n_windows: int) -> None:
    data = replace(
        DATA, windows=windows(*["happy", "sad", "calm"] * 25)[:n_windows], duration_s=601
    )
    assert len(PdfReader(io.BytesIO(speech_report(data, panels=panels))).pages) <= 2


def test_the_document_is_titled(panels: bytes) -> None:
    metadata = PdfReader(io.BytesIO(speech_report(DATA, panels=panels))).metadata
    assert metadata is not None
    assert metadata.title == "Speech emotion report: voice.m4a"
    assert metadata.author == "EmoSync"


def test_equal_predictions_give_equal_reports(panels: bytes) -> None:
    assert speech_report(DATA, panels=panels) == speech_report(DATA, panels=panels)


@pytest.mark.parametrize(
    ("filename", "printed"),
    [
        ("Größe - Épée.wav", "Größe - Épée.wav"),
        ("голос.ogg", "голос.ogg"),
        ("<b>bold</b> & <img src='x'/>.wav", "<b>bold</b> & <img src='x'/>.wav"),
        ("<para>&amp;&#0;</i", "<para>&amp;&#0;</i"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("声音.wav", ".wav"),
        ("lone \ud800 surrogate\x00\n.wav", "surrogate .wav"),
        ("", "Angry"),
    ],
)
def test_names_are_text_never_markup(panels: bytes, filename: str, printed: str) -> None:
    assert printed in read(speech_report(replace(DATA, filename=filename), panels=panels))


def test_a_very_long_name_is_shortened(panels: bytes) -> None:
    data = replace(DATA, filename="x" * 5000 + "_take_2.flac", audio_file="y" * 3000)
    pdf = PdfReader(io.BytesIO(speech_report(data, panels=panels)))
    assert len(pdf.pages) <= 2
    assert "take_2.flac" in "".join(pdf.pages[0].extract_text().split())


def test_a_long_recording_is_told_window_by_window(panels: bytes) -> None:
    data = replace(DATA, windows=windows("angry", "angry", "sad"), duration_s=70.0)
    text = read(speech_report(replace(data, windows=windows(*["angry"] * 8, "sad")), panels=panels))
    assert "Over time" in text
    assert "0:08 angry 50.0%" in text
    assert "1:04 sad 50.0%" in text


def test_starts_keep_their_half_seconds(panels: bytes) -> None:
    told = windows("sad", "sad", "sad", length_s=6.5)
    text = read(speech_report(replace(DATA, windows=told, duration_s=20.0), panels=panels))
    assert "0:06.5 sad" in text
    assert "0:13.0 sad" in text


@pytest.mark.parametrize(("n_windows", "n_heads"), [(2, 2), (3, 3), (4, 2), (5, 3)])
def test_a_column_of_windows_that_is_not_needed_has_no_head(
    panels: bytes, n_windows: int, n_heads: int
) -> None:
    data = replace(DATA, windows=windows(*["sad"] * n_windows), duration_s=90.0)
    text = read(speech_report(data, panels=panels))
    assert text.count("Start Emotion Confidence") == n_heads


def test_a_short_recording_has_no_section_on_time(panels: bytes) -> None:
    text = read(speech_report(replace(DATA, windows=windows("angry")), panels=panels))
    assert "Over time" not in text


def test_windows_beyond_the_table_are_counted(panels: bytes) -> None:
    data = replace(DATA, windows=windows(*["sad"] * 75), duration_s=600.0)
    assert "The strip shows 27 more." in read(speech_report(data, panels=panels))


def test_neighbouring_windows_of_one_emotion_are_one_stretch() -> None:
    data = replace(DATA, windows=windows("sad", "sad", "calm", "sad"), duration_s=30.5)
    assert report._spans(data) == [(0.0, 16.0, "sad"), (16.0, 24.0, "calm"), (24.0, 30.5, "sad")]


def test_labels_without_a_colour_of_their_own_are_drawn() -> None:
    assert sheet.colour_of("boredom") == sheet.ACCENT
    assert sheet.probability_bars({"boredom": 1.0, "x": 0.0}, width=200).height == 34


def test_the_accuracy_on_unseen_speakers_is_shown(panels: bytes) -> None:
    figures = {
        "seed": {"accuracy": 0.93},
        "speaker": {
            "clips": 7542,
            "accuracy": 0.774,
            "unweighted_accuracy": 0.7,
            "calibration_error": 0.031,
            "by_corpus": {"CREMA-D": {"clips": 7442, "accuracy": 0.75}},
            "by_emotion": {"happy": 0.5, "sad": 0.25},
        },
    }
    data = replace(DATA, task="speech", card={"figures": figures})
    text = read(speech_report(data, panels=panels))
    assert "How often whisper is right" in text
    assert "never heard" in text
    assert "CREMA-D 7,442 75.0%" in text
    assert "All 7,542 77.4% 70.0%" in text
    assert "happy sad 50.0% 25.0%" in text
    assert "93.0%" not in text


def test_other_figures_are_not_passed_off_as_those_of_unseen_speakers(panels: bytes) -> None:
    data = replace(DATA, task="speech", card={"figures": {"seed": {"accuracy": 0.93}}})
    text = read(speech_report(data, panels=panels))
    assert "93.0% of recordings in a random split" in text
    assert "had never heard are not known" in text


def test_every_shipped_card_tells_how_often_its_model_is_right() -> None:
    sheet.register_fonts()
    for task in ("speech", "song", "genre", "mood", "face"):
        for path in (ROOT / "models" / task).glob("*/card.json"):
            figures = json.loads(path.read_text()).get("figures") or {}
            if path.parent.name in ("detector", "network", "random_forest"):
                continue  # no report is written of these, or they are told by other figures
            assert list(report_figures.accuracy(task, path.parent.name, figures)), path


@pytest.mark.parametrize("card", [{}, {"figures": {}}, {"figures": None}, {"figures": {"n": 3}}])
def test_a_card_without_figures_leaves_the_section_out(
    panels: bytes, card: dict[str, object]
) -> None:
    data = replace(DATA, task="speech", card=card)
    assert "is right" not in read(speech_report(data, panels=panels))
