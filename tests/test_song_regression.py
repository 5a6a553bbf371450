import numpy as np
import numpy.typing as npt
import pytest

from emosync.framing import FloatArray
from emosync.training import song_regression
from emosync.training.clip_frames import ClipFrames
from emosync.training.song_regression import (
    BATCH_SIZE,
    N_STEPS,
    SongBatches,
    SongLessons,
    build_regressor,
    predict_steps,
    train_regressor,
)

N_CLIPS, N_FEATURES = 160, 5
LENGTH = 20


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make larger steps: a made-up corpus has a tenth of the batches of a real one."""
    monkeypatch.setattr(song_regression, "LEARNING_RATE", 0.05)


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def steps(rng: np.random.Generator) -> ClipFrames:
    """Clips whose first feature is theirs, and whose second one moves from step to step."""
    frames = rng.normal(0, 0.3, (N_CLIPS, LENGTH, N_FEATURES))
    frames[:, :, 0] += rng.choice([-1.0, 1.0], N_CLIPS)[:, None]
    offsets = np.arange(N_CLIPS + 1) * LENGTH
    return ClipFrames(frames.reshape(-1, N_FEATURES).astype(np.float16), offsets)


@pytest.fixture(scope="module")
def sides(steps: ClipFrames) -> FloatArray:
    means = [steps[i][:, 0].mean() for i in range(N_CLIPS)]
    return np.sign(means).astype(np.float32)


def lessons(sides: FloatArray, changes: list[FloatArray], *, points: bool) -> SongLessons:
    none, all_of_them = np.zeros(N_CLIPS, np.float32), np.ones(N_CLIPS, np.float32)
    return SongLessons(
        points=0.3 * sides,
        point_weights=all_of_them if points else none,
        signs=sides,
        sign_weights=none if points else all_of_them,
        changes=changes,
    )


def still() -> list[FloatArray]:
    return [np.zeros(LENGTH, np.float32)] * N_CLIPS


def halves() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.arange(N_CLIPS // 2), np.arange(N_CLIPS // 2, N_CLIPS)


def test_signs_teach_the_side_of_clips_not_heard(steps: ClipFrames, sides: FloatArray) -> None:
    heard, others = halves()
    model = train_regressor(steps, lessons(sides, still(), points=False), heard, change_share=1.0)
    means = np.array([predict_steps(model, steps[i]).mean() for i in others.tolist()])
    assert (np.sign(means) == sides[others]).mean() > 0.95


def test_points_teach_the_distance_too(steps: ClipFrames, sides: FloatArray) -> None:
    heard, others = halves()
    model = train_regressor(steps, lessons(sides, still(), points=True), heard, change_share=0.0)
    means = np.array([predict_steps(model, steps[i]).mean() for i in others.tolist()])
    np.testing.assert_allclose(means, 0.3 * sides[others], atol=0.15)


def test_changes_teach_how_a_clip_moves(steps: ClipFrames, sides: FloatArray) -> None:
    heard, others = halves()
    second = [steps[i][:, 1] for i in range(N_CLIPS)]
    changes = [0.2 * (values - values.mean()) for values in second]
    told = lessons(sides, changes, points=False)
    model = train_regressor(steps, told, heard, change_share=200.0)
    following = [
        np.corrcoef(predict_steps(model, steps[i]), changes[i])[0, 1] for i in others.tolist()
    ]
    assert np.mean(following) > 0.9


def test_the_same_seed_gives_the_same_model(steps: ClipFrames, sides: FloatArray) -> None:
    heard, _ = halves()
    told = lessons(sides, still(), points=False)
    first, again = (train_regressor(steps, told, heard, change_share=1.0) for _ in range(2))
    np.testing.assert_array_equal(predict_steps(first, steps[0]), predict_steps(again, steps[0]))


def test_a_batch_holds_stretches_and_what_is_known_of_them(
    steps: ClipFrames, sides: FloatArray
) -> None:
    changes = [np.full(LENGTH, i, np.float32) for i in range(N_CLIPS)]
    told = lessons(sides, changes, points=True)
    batches = SongBatches(steps, told, np.arange(N_CLIPS), seed=0)
    assert len(batches) == N_CLIPS // BATCH_SIZE
    X, Y = batches[0]
    assert X.shape == (BATCH_SIZE, N_STEPS, N_FEATURES)
    assert Y.shape == (BATCH_SIZE, N_STEPS, 5)
    chosen = Y[:, 0, 4].astype(int)
    assert len(set(chosen)) == BATCH_SIZE
    np.testing.assert_allclose(Y[:, 0, 0], 0.3 * sides[chosen])
    for x, clip in zip(X, chosen.tolist(), strict=True):
        assert (x[:, None] == steps[clip][None]).all(axis=2).any(axis=1).all()


def test_a_clip_shorter_than_a_stretch_repeats_its_last_step() -> None:
    short = ClipFrames(np.arange(6, dtype=np.float16).reshape(3, 2), np.array([0, 3]))
    one = np.ones(1, np.float32)
    told = SongLessons(one, one, one, one, [np.zeros(3, np.float32)])
    X, _ = SongBatches(short, told, np.array([0]), seed=0)[0]
    np.testing.assert_array_equal(X[0, :3], short[0])
    np.testing.assert_array_equal(X[0, 3:], np.tile(short[0][2], (N_STEPS - 3, 1)))


def test_what_is_served_takes_steps_one_by_one(rng: np.random.Generator) -> None:
    mean, deviation = np.zeros(3, np.float32), np.ones(3, np.float32)
    trained = build_regressor(mean, deviation)
    served = build_regressor(mean, deviation, gain=2.0, served=True)
    served.set_weights(trained.get_weights())
    X = rng.normal(size=(7, 3)).astype(np.float32)
    curve = predict_steps(trained, X)
    wider = np.tanh(2 * np.arctanh(curve))
    np.testing.assert_allclose(served.predict_on_batch(X)[:, 0], wider, atol=1e-5)


def test_what_lies_far_out_says_no_more() -> None:
    model = build_regressor(np.zeros(1, np.float32), np.ones(1, np.float32), served=True)
    far = model.predict_on_batch(np.array([[50.0], [5000.0]], np.float32))
    assert far[0, 0] == far[1, 0]
