import pytest

from emosync.typeface import ELLIPSIS, PLACEHOLDER, font_path, legible


@pytest.mark.parametrize(
    "name", ["voice.wav", "Größe - Épée.m4a", "голос.ogg", "a $x^2$ & <b>.wav"]
)
def test_what_the_typeface_has_stays_as_it_is(name: str) -> None:
    assert legible(name) == name


def test_missing_glyphs_become_placeholders() -> None:
    assert legible("声\N{GRINNING FACE}\ud800.wav").endswith(PLACEHOLDER + ".wav")
    assert legible("声.wav") == PLACEHOLDER + ".wav"


def test_decomposed_letters_are_composed() -> None:
    assert legible("e\N{COMBINING ACUTE ACCENT}.wav") == "é.wav"


def test_control_characters_and_direction_marks_go() -> None:
    assert legible("a\r\nb\x00c\N{RIGHT-TO-LEFT OVERRIDE}vaw.\t") == "a b cvaw."


def test_a_long_name_keeps_its_start_and_its_suffix() -> None:
    short = legible("x" * 5000 + "_take_2.flac", max_chars=60)
    assert len(short) == 60
    assert short.startswith("xxx")
    assert ELLIPSIS in short
    assert short.endswith("_take_2.flac")


def test_an_empty_text_stays_empty() -> None:
    assert legible("") == ""


@pytest.mark.parametrize("bold", [False, True])
def test_both_cuts_are_installed(bold: bool) -> None:
    assert font_path(bold=bold).is_file()
