import io
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from emosync import plots

SR_HZ = 16_000
Samples = npt.NDArray[np.float32]
PANELS_PX = (1012, 880)


@pytest.fixture
def voice(rng: np.random.Generator) -> Samples:
    """Two seconds of noise that swells and fades, (32000,)."""
    swell = np.sin(np.linspace(0, np.pi, 2 * SR_HZ)) ** 2
    return (0.3 * swell * rng.standard_normal(2 * SR_HZ)).clip(-1, 1).astype(np.float32)


def pixels(png: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_the_panels_are_a_picture_with_three_filled_panels(voice: Samples) -> None:
    picture = pixels(plots.recording_panels(voice, sr=SR_HZ, title="voice.wav"))
    assert picture.shape == (PANELS_PX[1], PANELS_PX[0], 3)
    for rows in (slice(95, 230), slice(320, 550), slice(640, 820)):
        colours = np.unique(picture[rows, 100:900].reshape(-1, 3), axis=0)
        assert len(colours) > 20


def test_the_same_recording_gives_the_same_bytes(voice: Samples) -> None:
    first, second = (plots.recording_panels(voice, sr=SR_HZ, title="a") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "title",
    [
        "",
        "$x^2$ and \\frac{a}{b} _{ $.wav",
        "Größe, голос, 声音, صوت, \N{GRINNING FACE}.m4a",
        "lone \ud800 surrogate\x00\r\n\t.wav",
        "W" * 4000 + ".flac",
        "\N{RIGHT-TO-LEFT OVERRIDE}vaw.exe",
    ],
)
def test_any_title_is_drawn_without_a_warning(voice: Samples, title: str) -> None:
    picture = pixels(plots.recording_panels(voice, sr=SR_HZ, title=title))
    # Nothing reaches the margin at the right: the title was shortened and shrunk to fit.
    assert (picture[:60, -40:] == 255).all()


def test_dollar_signs_are_letters_not_mathematics(voice: Samples) -> None:
    plain, mathematical = (
        pixels(plots.recording_panels(voice, sr=SR_HZ, title=title)) for title in ("a", "$a$")
    )
    assert (plain[:45] != mathematical[:45]).any()


@pytest.mark.parametrize("n_samples", [1, 40, 4800])
def test_silence_and_very_short_recordings_are_drawn(n_samples: int) -> None:
    pixels(plots.recording_panels(np.zeros(n_samples, np.float32), sr=SR_HZ, title="silence"))


def test_ten_minutes_cost_little_memory(voice: Samples) -> None:
    y = np.tile(voice, 300)
    tracemalloc.start()
    try:
        pixels(plots.recording_panels(y, sr=SR_HZ, title="long"))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * y.nbytes


def test_threads_draw_what_one_thread_draws(voice: Samples) -> None:
    titles = ["a", "b", "c", "d"]
    alone = [plots.recording_panels(voice, sr=SR_HZ, title=title) for title in titles]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda t: plots.recording_panels(voice, sr=SR_HZ, title=t), titles)
    assert list(together) == alone


def test_the_global_style_is_left_alone(voice: Samples) -> None:
    before = dict(matplotlib.rcParams)
    plots.recording_panels(voice, sr=SR_HZ, title="a")
    assert dict(matplotlib.rcParams) == before


def test_a_local_matplotlibrc_does_not_change_the_picture(voice: Samples) -> None:
    usual = plots.recording_panels(voice, sr=SR_HZ, title="a")
    with matplotlib.rc_context({"font.size": 30, "savefig.bbox": "tight", "text.color": "red"}):
        assert plots.recording_panels(voice, sr=SR_HZ, title="a") == usual


def test_pyplot_is_never_loaded() -> None:
    check = "import sys, emosync.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


class TestConfusionMatrix:
    labels = ("neutral", "happy", "sad")

    def test_it_is_square_and_not_blank(self) -> None:
        picture = pixels(
            plots.confusion_matrix([[9, 1, 0], [2, 7, 1], [0, 0, 5]], self.labels, title="cnn")
        )
        height, width, _ = picture.shape
        assert height == width
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50

    def test_the_diagonal_is_darker_than_the_rest(self) -> None:
        picture = pixels(plots.confusion_matrix(np.eye(3) * 5, self.labels, title="")).mean(axis=2)
        side = picture.shape[0]
        corner, beside = picture[side // 3, side // 2 - 60], picture[side // 3, side - 60]
        assert corner < beside

    def test_a_label_without_examples_and_an_empty_matrix_are_drawn(self) -> None:
        pixels(plots.confusion_matrix([[3, 0, 0], [0, 0, 0], [1, 1, 1]], self.labels, title=""))
        pixels(plots.confusion_matrix(np.zeros((3, 3), int), self.labels, title="$none"))

    def test_the_facts_are_weighted_and_unweighted_recall(self) -> None:
        facts = plots._matrix_facts(np.array([[90, 10, 0], [5, 5, 0], [0, 0, 0]]))
        assert facts == "110 examples, 86.4% right; mean recall 70.0%"
