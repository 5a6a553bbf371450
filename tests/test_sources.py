import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.errors import InvalidBase64, MissingInput, ParameterError
from emosync.sources import from_object, from_upload, parse_object

TEXT = base64.b64encode(b"sound").decode()


@pytest.mark.parametrize(
    "head",
    [
        "",
        "data:audio/wav;base64,",
        "data:audio/webm;codecs=opus;base64,",
        "data:video/mp4;base64,",
        "data:application/octet-stream;base64,",
        "DATA:Audio/X-WAV;BASE64,",
    ],
)
def test_base64_is_taken_bare_or_as_a_data_url(head: str) -> None:
    source = from_object({"audio": head + TEXT})
    assert source.data == b"sound"
    assert source.filename == "recording"


def test_line_breaks_in_base64_are_ignored() -> None:
    assert from_object({"audio": f"{TEXT[:4]}\r\n{TEXT[4:]}\n"}).data == b"sound"


@pytest.mark.parametrize(
    "audio",
    [
        "data:text/plain;base64," + TEXT,
        "data:image/png;base64," + TEXT,
        "data:audio/wav," + TEXT,
        "data:," + TEXT,
        "data:audio/wav;base64,",
        "not base64!",
        "c291bmQ",
        "c291b\u00e9Q=",
        "\ud800",
        "====",
        "  ",
    ],
)
def test_what_is_no_base64_is_refused(audio: str) -> None:
    with pytest.raises(InvalidBase64, match="audio"):
        from_object({"audio": audio})


@pytest.mark.parametrize("message", [{}, {"audio": None}, {"audio": ""}, {"sound": TEXT}])
def test_a_missing_member_is_named(message: dict[str, Any]) -> None:
    with pytest.raises(MissingInput, match="'audio'"):
        from_object(message)


@pytest.mark.parametrize("audio", [1, 1.5, True, [TEXT], {"data": TEXT}])
def test_a_member_of_another_type_is_refused(audio: object) -> None:
    with pytest.raises(ParameterError, match="'audio'"):
        from_object({"audio": audio})


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_missing_input(body: bytes) -> None:
    with pytest.raises(MissingInput, match="'audio'"):
        parse_object(body)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"1", b"null", b"\xff\xfe\xfd", b"[" * 100_000, b"1" * 10_000]
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ParameterError):
        parse_object(body)


@given(st.binary(min_size=1, max_size=200))
def test_every_content_survives_base64(data: bytes) -> None:
    assert from_object({"audio": base64.b64encode(data).decode()}).data == data


@pytest.mark.parametrize(("data", "name"), [(b"x", ""), (b"x", "  "), (b"", "a.wav")])
def test_an_upload_without_name_or_content_names_the_field(data: bytes, name: str) -> None:
    with pytest.raises(MissingInput, match="'file'"):
        from_upload(data, name, field="file")


@given(st.text(min_size=1).filter(str.strip))
def test_every_name_becomes_text_that_a_database_takes(name: str) -> None:
    kept = from_upload(b"x", name, field="file").filename
    assert "\x00" not in kept
    kept.encode()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\voice.wav", "\u58f0 \U0001f3a4.wav", "a" * 5_000]
)
def test_an_ordinary_name_is_kept_as_it_is(name: str) -> None:
    assert from_upload(b"x", name, field="file").filename == name
