import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docs import pictures, song_example, song_tables

AXES: dict[str, Any] = {
    "valence": {"pearson_r": 0.634, "rmse": 0.41, "ccc": None},
    "arousal": {"pearson_r": 0.757, "rmse": 0.29, "ccc": 0.749},
}
SONG_CARD: dict[str, Any] = {
    "feature_type": "song_features",
    "feature_settings": {},
    "sha256": {},
    "task": "song",
    "method": "valence",
    "model_type": "linear",
    "labels": ["valence"],
    "n_features": 258,
    "size_bytes": {"model.onnx": 4613},
    "limits": "excerpts only",
    "figures": {
        "protocol": "no artist on both sides",
        "4Q": {
            "described": {"songs": 1708, **AXES},
            "quadrants": {
                "clips": 1708,
                "quadrant": 0.674,
                "valence_sign": 0.76,
                "arousal_sign": 0.883,
                "by_quadrant": {"Q1": 0.743, "Q3": 0.489},
            },
        },
        "DEAM": {"ratings": {"songs": 20, **AXES}},
        "labels": {"different": 21, "shares": {"Calm": 0.127, "Angry": 0.1245}},
    },
}


def cells(table: str, row: int) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split("|")]


def test_a_picture_that_looks_different_is_drawn_again(tmp_path: Path) -> None:
    plain, black = (picture(shade) for shade in (255, 0))
    assert pictures.outdated({"a.png": plain}, tmp_path) == {"a.png": plain}
    (tmp_path / "a.png").write_bytes(plain)
    assert not pictures.outdated({"a.png": picture(254)}, tmp_path)
    assert pictures.outdated({"a.png": black}, tmp_path) == {"a.png": black}


def picture(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(out, "PNG")
    return pictures.small(out.getvalue())


def test_the_song_of_the_examples_is_short_and_moves() -> None:
    said = song_example.heard()
    assert song_example.SONG.stat().st_size < 300_000
    assert len({row["emotion"] for row in said.playback["sequence"]}) >= 4
    assert said.playback["sequence"] == said.upload["sequence"]


def test_a_shortened_curve_is_kept_while_only_last_digits_differ() -> None:
    curve = {"song_id": "a", "valence": [0.1, -0.2, 0.3, 0.4, 0.5], "interval_s": 0.5}
    text = song_example.shortened(curve)
    assert '"valence": [0.1, -0.2, 0.3, 0.4, ...]' in text
    assert song_example.same(text, text.replace("-0.2", "-0.2001"))
    assert not song_example.same(text, text.replace("-0.2", "-0.3"))
    assert not song_example.same(text, text.replace("-0.2, ", ""))


@pytest.fixture
def song_cards(tmp_path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    folder = tmp_path / "song" / "valence"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(SONG_CARD))
    return song_tables.song_cards(tmp_path)


def test_a_song_card_becomes_a_row_per_corpus(song_cards: Any) -> None:
    table = song_tables.song_accuracy(song_cards)
    numbers = ["0.63", "0.41", "-", "0.76", "0.29", "0.75"]
    assert cells(table, 2)[0] == "4Q"
    assert cells(table, 2)[2:] == ["1,708", *numbers]
    assert cells(table, 3) == ["DEAM", "listeners' ratings", "20", *numbers]


def test_curves_that_were_rated_over_time_have_a_row(song_cards: Any) -> None:
    within = {axis: {"songs": 7, "constant": 1, **AXES[axis]} for axis in AXES}
    song_cards["song", "valence"]["figures"]["within_songs"] = within
    row = cells(song_tables.song_accuracy(song_cards), 4)
    assert row[:3] == ["within songs", "listeners' ratings over time", "7"]


def test_quadrants_without_clips_show_a_dash(song_cards: Any) -> None:
    row = cells(song_tables.song_quadrants(song_cards), 2)
    shares = ["67.4 %", "88.3 %", "76.0 %", "74.3 %", "-", "48.9 %", "-"]
    assert row == ["4Q (1,708 clips)", *shares]


def test_the_backbone_is_shown_before_and_after_its_conversion(song_cards: Any) -> None:
    assert set(cells(song_tables.backbone(song_cards), 2)[1:]) == {"-"}
    figures = {
        "protocol": "heads",
        "as_published": {"4q_quadrant": 0.787, "gtzan_mean_recall": 0.8},
        "as_served": {"4q_quadrant": 0.781},
    }
    song_cards["music", "musicnn"] = {**SONG_CARD, "figures": figures}
    text = song_tables.backbone(song_cards)
    assert cells(text, 2) == ["as published", "78.7 %", "80.0 %", "-"]
    assert cells(text, 3) == ["as served", "78.1 %", "-", "-"]
    assert text.endswith("Protocol: heads.")


def test_protocol_labels_and_limits_are_those_of_the_card(song_cards: Any) -> None:
    text = song_tables.song_protocol(song_cards)
    assert "- Protocol: no artist on both sides\n" in text
    assert "21 different ones" in text
    assert "Calm 12.7 %, Angry 12.4 %." in text
    assert "- Limits: excerpts only\n" in text


def test_song_models_are_judged_only_when_all_are_there(song_cards: Any) -> None:
    assert cells(song_tables.song_models(song_cards), 2) == ["`song/valence`", "linear", "5 kB"]
    assert not song_tables.are_judged(song_cards)
    assert song_tables.are_judged(dict.fromkeys(song_tables.song_cards(), SONG_CARD))
    assert not song_tables.are_judged({})
    assert len(song_tables.song_accuracy({}).splitlines()) == 2
