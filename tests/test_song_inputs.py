import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from music import as_wav, music
from signals import DIFFICULT, noise, silence

from emosync.artifacts import Artifact, load_artifact
from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.musicnn import DESCRIPTORS, N_ACTIVATIONS, N_FRAME_FEATURES
from emosync.song_features import SongFeatures, read_csv, write_csv
from emosync.song_inputs import listen, mean_tags, song_feature_names, tag_column

TAGS = ("rock", "Mellow", "female vocalists", "60s")
N_BACK = N_ACTIVATIONS + len(TAGS)
# Columns of a step, in order.
ACTIVATIONS = slice(0, N_ACTIVATIONS)
TAG_COLUMNS = slice(N_ACTIVATIONS, N_BACK)
DESCRIBED = slice(N_BACK, N_BACK + len(DESCRIPTORS))
CHANGES = slice(N_BACK + len(DESCRIPTORS), None)


@pytest.fixture(scope="module")
def musicnn() -> tuple[Artifact, Artifact]:
    folder = ROOT / "models" / "music"
    return load_artifact(folder / "musicnn"), load_artifact(folder / "tags")


def network() -> Artifact:
    """Stand in for musicnn: every feature is the loudness of its frame."""
    return Artifact({}, lambda X: np.repeat(X.mean(axis=2)[:, :, None], N_FRAME_FEATURES, axis=2))


def back() -> Artifact:
    """Stand in for the last layers: each output is the first maximum plus its own number."""
    numbers = np.arange(N_BACK, dtype=np.float32) / np.float32(1000)
    return Artifact({"labels": TAGS}, lambda X: np.asarray(X[:, :1] + numbers, np.float32))


def heard(y: FloatArray) -> SongFeatures:
    return listen([y], network(), back())


def some_features(tags: FloatArray) -> SongFeatures:
    """Features with given tags (n_steps, 4), and a number that is none in the other columns."""
    names = song_feature_names(TAGS)
    values = np.full((len(tags), len(names)), 7, np.float32)
    values[:, TAG_COLUMNS] = tags
    return SongFeatures(np.arange(len(tags)) / 2, values, names)


def test_every_feature_has_a_name_of_its_own_in_the_order_of_the_columns() -> None:
    names = song_feature_names(TAGS)
    assert len(set(names)) == len(names) == N_BACK + 2 * len(DESCRIPTORS)
    assert names[ACTIVATIONS][0] == "activation_000"
    assert names[ACTIVATIONS][-1] == "activation_199"
    assert names[TAG_COLUMNS] == ("tag_rock", "tag_mellow", "tag_female_vocalists", "tag_60s")
    assert names[DESCRIBED] == DESCRIPTORS
    assert names[CHANGES] == tuple(f"{name}_change" for name in DESCRIPTORS)


def test_the_tags_that_are_served_have_columns_of_their_own(
    musicnn: tuple[Artifact, Artifact],
) -> None:
    tags = musicnn[1].labels
    assert len(set(tags)) == len(set(map(tag_column, tags))) == 50
    assert all(tag_column(tag).isascii() for tag in tags)
    assert not any(set(tag_column(tag)) & set(' ,"') for tag in tags)


def test_a_step_holds_what_the_network_says_and_then_how_it_sounds() -> None:
    y = np.concatenate([noise(5.0, level=0.01), noise(5.0, level=0.3)])
    features = heard(y)
    assert features.names == song_feature_names(TAGS)
    assert features.values.shape == (21, len(features.names))
    assert features.values.dtype == np.float32
    np.testing.assert_array_equal(features.time_s, np.arange(21) / 2)
    said = features.values[:, :N_BACK]
    np.testing.assert_allclose(said - said[:, :1], [np.arange(N_BACK) / 1000] * 21, atol=1e-5)
    level_db = features.values[:, DESCRIBED][:, DESCRIPTORS.index("level_db")]
    assert level_db[0] == pytest.approx(-40, abs=0.5)
    assert level_db[-1] == pytest.approx(-10.5, abs=0.5)


def test_changes_are_against_the_mean_of_the_whole_song() -> None:
    values = heard(np.concatenate([noise(20.0, level=0.01), noise(20.0, level=0.3)])).values
    np.testing.assert_allclose(values[:, CHANGES].mean(axis=0), 0, atol=1e-4)
    differences = values[:, DESCRIBED] - values[:, CHANGES]
    np.testing.assert_allclose(differences, np.tile(differences[0], (len(values), 1)), atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=5))
def test_features_do_not_depend_on_the_blocks_that_a_song_comes_in(cuts: list[float]) -> None:
    y = noise(20.0)
    blocks = np.split(y, sorted(int(cut * len(y)) for cut in cuts))
    cut, whole = listen(blocks, network(), back()), heard(y)
    np.testing.assert_array_equal(cut.time_s, whole.time_s)
    np.testing.assert_allclose(cut.values, whole.values, atol=1e-4)


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(0, 1, width=32)
    )
)
def test_tags_are_means_over_the_song_and_ranked(tags: FloatArray) -> None:
    ranked = mean_tags(some_features(tags), TAGS)
    assert set(ranked) == set(TAGS)
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    for tag, probability in ranked.items():
        assert type(probability) is float
        assert probability == pytest.approx(tags[:, TAGS.index(tag)].mean(), abs=1e-6)


def test_equally_likely_tags_keep_the_networks_order() -> None:
    assert tuple(mean_tags(some_features(np.full((3, 4), 0.25, np.float32)), TAGS)) == TAGS


def test_music_gets_a_few_tags_that_are_probabilities(musicnn: tuple[Artifact, Artifact]) -> None:
    features = listen([decode(as_wav(music())).y], *musicnn)
    ranked = mean_tags(features, musicnn[1].labels)
    assert len(ranked) == 50
    assert all(0 <= probability <= 1 for probability in ranked.values())
    # Last.fm's listeners give a song a few of the fifty.
    assert 0.5 < sum(ranked.values()) < 6
    assert next(iter(ranked.values())) > 0.1


def test_music_without_a_voice_or_guitars_is_rather_electronic_than_a_singers(
    musicnn: tuple[Artifact, Artifact],
) -> None:
    ranked = mean_tags(listen([decode(as_wav(music())).y], *musicnn), musicnn[1].labels)
    for tag in ("electronic", "instrumental"):
        assert ranked[tag] > 2 * max(ranked["female vocalists"], ranked["Hip-Hop"])


@pytest.mark.parametrize("name", DIFFICULT)
def test_features_are_finite_for_anything(musicnn: tuple[Artifact, Artifact], name: str) -> None:
    features = listen([DIFFICULT[name]], *musicnn)
    assert len(features.time_s)
    assert np.isfinite(features.values).all()


def test_silence_has_features_that_do_not_move(musicnn: tuple[Artifact, Artifact]) -> None:
    values = listen([silence(12.0)], *musicnn).values
    # The network sees the recording's ends 1.2 s ahead, and a step spans 1.5 s to each side.
    middle = values[6:-7]
    np.testing.assert_allclose(middle - middle[0], 0, atol=1e-4)


def test_features_survive_the_librarys_file(musicnn: tuple[Artifact, Artifact]) -> None:
    features = listen([decode(as_wav(music())).y], *musicnn)
    found = read_csv(write_csv(features), song_feature_names(musicnn[1].labels))
    assert found.names == features.names
    np.testing.assert_array_equal(found.time_s, features.time_s)
    np.testing.assert_allclose(found.values, features.values, rtol=5e-5, atol=1e-10)
