import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.errors import EmoSyncError, InvalidFeatures, InvalidTracks, MissingInput
from emosync.tracks import FEATURE_RANGES, MAX_TRACKS, feature_matrix, parse_tracks

NEEDED = ("energy", "valence", "duration_ms")
FEATURES = {"energy": 0.8, "valence": 0.5, "duration_ms": 215_000}


def track(**changes: Any) -> dict[str, Any]:
    names = {"id": "4HIwL9ii9CcXpTOTzMq0MP", "name": "23", "artist": "Blonde Redhead"}
    return {**names, "features": FEATURES, **changes}


def test_tracks_keep_their_order_and_names() -> None:
    first, second = parse_tracks({"tracks": [track(name="a"), track(name="b")]}, NEEDED)
    assert (first.name, second.name) == ("a", "b")
    assert (first.artist, first.album, first.preview_url) == ("Blonde Redhead", None, None)
    assert first.features == FEATURES


def test_members_that_are_not_known_are_ignored() -> None:
    sent = track(extra=float("nan"), features={**FEATURES, "analysis_url": "x", "mode": 1})
    (found,) = parse_tracks({"tracks": [sent], "more": 1}, NEEDED)
    assert found.features == {**FEATURES, "mode": 1}


def test_the_length_of_older_tables_is_the_duration() -> None:
    sent = track(features={"energy": 0, "valence": 1, "length": 1000})
    (found,) = parse_tracks({"tracks": [sent]}, NEEDED)
    assert feature_matrix([found], NEEDED).tolist() == [[0, 1, 1000]]


def test_features_stand_in_the_order_of_the_model() -> None:
    tracks = parse_tracks({"tracks": [track(), track()]}, NEEDED)
    X = feature_matrix(tracks, ("duration_ms", "energy"))
    np.testing.assert_array_equal(X, np.array([[215_000, 0.8]] * 2, np.float32))
    assert X.dtype == np.float32
    assert feature_matrix([], NEEDED).shape == (0, 3)


def test_a_feature_that_may_lack_gets_the_models_default() -> None:
    sent = [track(features={"energy": 0.5}), track()]
    tracks = parse_tracks({"tracks": sent}, ["energy"])
    X = feature_matrix(tracks, ("energy", "duration_ms"), {"duration_ms": 200_000.0})
    np.testing.assert_array_equal(X, np.array([[0.5, 200_000], [0.8, 215_000]], np.float32))


def test_no_tracks_are_fine_and_500_are_the_most() -> None:
    assert parse_tracks({"tracks": []}, NEEDED) == ()
    assert len(parse_tracks({"tracks": [track()] * MAX_TRACKS}, NEEDED)) == 500
    with pytest.raises(InvalidTracks, match="501"):
        parse_tracks({"tracks": [track()] * 501}, NEEDED)


def test_missing_tracks_are_named() -> None:
    for message in ({}, {"tracks": None}):
        with pytest.raises(MissingInput, match="tracks"):
            parse_tracks(message, NEEDED)


@pytest.mark.parametrize("tracks", [{}, "id", 3, True])
def test_tracks_that_are_no_list_are_refused(tracks: object) -> None:
    with pytest.raises(InvalidTracks, match="list"):
        parse_tracks({"tracks": tracks}, NEEDED)


@pytest.mark.parametrize("value", [None, "a", 3, []])
def test_a_track_that_is_no_object_is_named_by_its_place(value: object) -> None:
    with pytest.raises(InvalidTracks, match=r"tracks\[1\]"):
        parse_tracks({"tracks": [track(), value]}, NEEDED)


@pytest.mark.parametrize("member", ["id", "name", "artist", "album", "preview_url"])
def test_names_must_be_text(member: str) -> None:
    with pytest.raises(InvalidTracks, match=member):
        parse_tracks({"tracks": [track(**{member: 7})]}, NEEDED)


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("energy", "0.5"),
        ("energy", True),
        ("energy", [0.5]),
        ("energy", 1.001),
        ("energy", -0.001),
        ("energy", 10**400),
        ("tempo", 301),
        ("loudness", -61),
        ("key", 12),
        ("popularity", 101),
        ("length", -1),
    ],
)
def test_a_feature_that_cannot_be_is_named_with_its_track(feature: str, value: object) -> None:
    with pytest.raises(InvalidFeatures, match=rf"tracks\[0\] \(id '4HI.*features\.{feature} must"):
        parse_tracks({"tracks": [track(features={**FEATURES, feature: value})]}, NEEDED)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(literal: str) -> None:
    body = json.dumps({"tracks": [track()]}).replace("0.8", literal)
    with pytest.raises(InvalidFeatures, match="energy must lie between 0 and 1"):
        parse_tracks(json.loads(body), NEEDED)


@pytest.mark.parametrize("features", [{"energy": 0.5}, {**FEATURES, "valence": None}])
def test_missing_features_are_named(features: dict[str, Any]) -> None:
    with pytest.raises(InvalidFeatures, match=r"tracks\[0\].* lacks .*features\.valence"):
        parse_tracks({"tracks": [track(features=features)]}, NEEDED)


def test_a_track_may_lack_features_only_where_they_can_be_found_elsewhere() -> None:
    for sent in (track(features=None), {"id": "a"}):
        (found,) = parse_tracks({"tracks": [sent]}, NEEDED, may_lack=True)
        assert found.features is None
        with pytest.raises(InvalidFeatures, match="lacks the member features"):
            parse_tracks({"tracks": [sent]}, NEEDED)
    with pytest.raises(InvalidFeatures, match="valence"):
        parse_tracks({"tracks": [track(features={"energy": 1})]}, NEEDED, may_lack=True)
    with pytest.raises(InvalidFeatures, match="object"):
        parse_tracks({"tracks": [track(features=[])]}, NEEDED)


def test_a_long_id_is_cut_in_messages() -> None:
    with pytest.raises(InvalidFeatures) as caught:
        parse_tracks({"tracks": [track(id="x" * 10_000, features=None)]}, NEEDED)
    assert len(caught.value.message) < 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["tracks", "id", "features", *FEATURE_RANGES]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_sent_gives_numbers_in_range_or_an_error(tracks: object) -> None:
    try:
        found = parse_tracks({"tracks": tracks}, NEEDED)
    except EmoSyncError as exc:
        assert exc.status in {400, 422}
    else:
        for each in found:
            assert each.features is not None
            for name, value in each.features.items():
                low, high = FEATURE_RANGES[name]
                assert low <= value <= high
