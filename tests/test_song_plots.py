import io
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure
from PIL import Image

from emosync import canvas, song_circle, song_colours, song_plots
from emosync.labels import SONG_ANGLES_DEG, SONG_COMPLETED, SONG_NEUTRAL
from emosync.song_colours import EMOTION_COLOURS

PANELS_PX = (1012, 1056)
CIRCLE_PX = (726, 726)
# Where the panels lie: course, strip, plane, list.
COURSE = (slice(110, 290), slice(90, 960))
STRIP = (slice(314, 370), slice(90, 960))
PLANE = (slice(495, 990), slice(90, 585))
SHARES = (slice(495, 990), slice(700, 960))

Picture = npt.NDArray[np.uint8]
Emotions = list[tuple[float, str]]
SEQUENCE: Emotions = [(0.0, "Calm"), (40.0, "Tense"), (90.0, "Happy"), (120.0, SONG_COMPLETED)]


def pixels(png: bytes) -> Picture:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def draw(
    duration_s: float = 120.0, emotions: Emotions = SEQUENCE, *, title: str = "song.mp3"
) -> bytes:
    """A spiral of a song, a step every half second."""
    time_s = np.arange(0.0, duration_s + 0.25, 0.5)
    turn, reach = np.linspace(0, 9, time_s.size), np.linspace(0.1, 0.9, time_s.size)
    return song_plots.song_panels(
        time_s, reach * np.cos(turn), reach * np.sin(turn), emotions, title=title
    )


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def share_of(colour: str, picture: Picture) -> float:
    """How much of the picture has just this colour."""
    return float((picture == rgb(colour)).all(axis=-1).mean())


def words_of(figure: Figure) -> set[str]:
    return {text.get_text() for ax in figure.axes for text in ax.texts}


def test_the_panels_are_a_picture_with_four_filled_parts() -> None:
    picture = pixels(draw())
    assert picture.shape == (PANELS_PX[1], PANELS_PX[0], 3)
    for part in (COURSE, STRIP, PLANE, SHARES):
        assert len(np.unique(picture[part].reshape(-1, 3), axis=0)) > 20


def test_the_strip_gives_each_emotion_its_colour_and_its_time() -> None:
    strip = pixels(draw())[STRIP]
    shares = [share_of(EMOTION_COLOURS[emotion], strip) for emotion in ("Calm", "Tense", "Happy")]
    assert shares == pytest.approx([40 / 120, 50 / 120, 30 / 120], abs=0.04)


def test_the_course_shows_both_axes() -> None:
    picture = pixels(draw())
    assert share_of(song_plots.VALENCE, picture[COURSE]) > 0.002
    assert share_of(song_plots.AROUSAL, picture[COURSE]) > 0.002


@pytest.mark.parametrize("duration_s", [0.0, 0.5, 2.0, 7200.0])
def test_the_shortest_and_the_longest_song_are_drawn(duration_s: float) -> None:
    n_parts = max(1, int(duration_s // 4))
    names = list(itertools.islice(itertools.cycle(SONG_ANGLES_DEG), n_parts))
    emotions = [(4.0 * i, name) for i, name in enumerate(names)]
    picture = pixels(draw(duration_s, [*emotions, (duration_s, SONG_COMPLETED)]))
    assert picture.shape == (PANELS_PX[1], PANELS_PX[0], 3)


def test_a_song_that_starts_late_or_has_no_sequence_is_drawn() -> None:
    song = ([15.0, 15.5, 16.0], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    late = song_plots.song_panels(*song, [(15.0, "Calm"), (16.0, SONG_COMPLETED)], title="late")
    pixels(late)
    assert song_plots.song_panels(*song, [], title="late") != late


def test_what_lies_beyond_the_plane_is_drawn_at_its_edge() -> None:
    edge, beyond = (
        song_plots.song_panels([0, 1], [-r, r], [r, -r], SEQUENCE, title="") for r in (1, 3)
    )
    assert edge == beyond


def test_what_lies_beyond_the_plane_stays_in_its_sector() -> None:
    song = song_plots._Song(np.arange(2.0), np.array([-3.0, 0.5]), np.array([-1.0, 0.5]), [])
    assert song.places == pytest.approx(np.array([[-1.0, -1 / 3], [0.5, 0.5]]))


def test_the_settings_stand_below_the_title() -> None:
    song = song_plots._Song(np.arange(2.0), np.zeros(2), np.zeros(2), [])
    assert song_plots._facts(song, "smooth 5").endswith("; smooth 5")
    assert song_plots._facts(song, "") == "1.0 s, 0 parts, 0 emotions"


def test_moods_are_drawn_above_the_rest_each_in_its_colour() -> None:
    moods = {"Sad": 0.6, "Energetic": 0.2, "Happy": 0.15, "Calm": 0.05}
    time_s = np.arange(0.0, 60.0)
    picture = pixels(
        song_plots.song_panels(
            time_s, 0 * time_s, 0 * time_s, SEQUENCE, title="song.mp3", moods=moods
        )
    )
    assert picture.shape == (1221, PANELS_PX[0], 3)
    shares = [share_of(song_colours.MOOD_COLOURS[mood], picture[90:240]) for mood in moods]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] > 0


def test_a_word_beside_an_end_of_the_path_covers_no_name() -> None:
    figure = song_plots._panels(
        song_plots._Song(np.arange(2.0), np.array([-0.7, -0.75]), np.array([-0.2, -0.3]), []),
        "title", "", {},
    )  # fmt: skip
    texts = {text.get_text(): text for ax in figure.axes for text in ax.texts}
    boxes = {word: texts[word].get_window_extent() for word in ("start", "end", "Depressed")}
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)


def test_an_emotion_of_an_older_vocabulary_is_drawn_too() -> None:
    strip = pixels(draw(emotions=[(0.0, "Wistful"), (120.0, SONG_COMPLETED)]))[STRIP]
    assert share_of(song_circle.UNKNOWN_COLOUR, strip) > 0.9


@pytest.mark.parametrize(
    "title",
    [
        "",
        "$x^2$ and \\frac{a}{b} _{ $.mp3",
        "<b>bold</b> &amp; Größe, голос, 声音, صوت, \N{GRINNING FACE}.m4a",
        "lone \ud800 surrogate\x00\r\n\t.wav",
        "W" * 4000 + ".flac",
    ],
)
def test_any_title_is_drawn_without_a_warning_and_within_the_margins(title: str) -> None:
    assert (pixels(draw(title=title))[:60, -40:] == 255).all()


def test_dollar_signs_are_letters_not_mathematics() -> None:
    plain, mathematical = (pixels(draw(title=title)) for title in ("a", "$a$"))
    assert (plain[:45] != mathematical[:45]).any()


def test_the_same_song_gives_the_same_bytes_in_threads_too() -> None:
    titles = ["a", "b", "c"]
    alone = [draw(title=title) for title in titles]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda title: draw(title=title), titles)) == alone


def test_the_global_style_is_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    draw()
    song_circle.label_circle()
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_loaded() -> None:
    check = "import sys, emosync.song_plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.parametrize("length_s", [0.5, 2, 12, 13, 59, 60, 214, 600, 3600, 7200, 7 * 86_400])
def test_there_are_enough_ticks_and_never_too_many(length_s: float) -> None:
    ticks = canvas._ticks(length_s).tick_values(0.0, length_s)
    shown = [tick for tick in ticks if 0 <= tick <= length_s]
    assert min(2, 1 + length_s // 1) <= len(shown) <= canvas.MAX_TICKS + 1


class TestLabelCircle:
    def test_it_is_a_square_that_holds_every_name_within_its_own_sector(self) -> None:
        picture = pixels(song_circle.label_circle())
        assert picture.shape == (CIRCLE_PX[1], CIRCLE_PX[0], 3)
        with canvas.drawing():
            figure = song_circle._circle()
            assert {*SONG_ANGLES_DEG, SONG_NEUTRAL} <= words_of(figure)
            boxes = {
                text.get_text(): text.get_window_extent()
                for text in figure.axes[0].texts
                if text.get_text() in EMOTION_COLOURS
            }
        for name, box in boxes.items():
            rows = slice(round(CIRCLE_PX[1] - box.y1), round(CIRCLE_PX[1] - box.y0))
            ground = picture[rows, round(box.x0) : round(box.x1)].reshape(-1, 3)
            colours, counts = np.unique(ground, axis=0, return_counts=True)
            assert tuple(colours[counts.argmax()]) == rgb(EMOTION_COLOURS[name])
            # Nothing white inside the letters' box: it does not reach over a border.
            assert not (ground == 255).all(axis=1).any(), name

    def test_high_arousal_is_above_and_high_valence_at_the_right(self) -> None:
        height, width, _ = (picture := pixels(song_circle.label_circle())).shape
        assert (picture[: height // 2] == rgb(EMOTION_COLOURS["Excited"])).all(axis=-1).any()
        assert (picture[:, width // 2 :] == rgb(EMOTION_COLOURS["Content"])).all(axis=-1).any()
        assert not (picture[:, width // 2 :] == rgb(EMOTION_COLOURS["Bored"])).all(axis=-1).any()


class TestEmotionColours:
    def test_every_emotion_has_a_colour_of_its_own(self) -> None:
        assert {*SONG_ANGLES_DEG, SONG_NEUTRAL, SONG_COMPLETED} == set(EMOTION_COLOURS)
        assert len(set(EMOTION_COLOURS.values())) == len(EMOTION_COLOURS)

    def test_screens_show_every_colour_as_it_was_meant(self) -> None:
        for emotion in SONG_ANGLES_DEG:
            colour = song_colours._colour(emotion)
            assert ((colour >= 0) & (colour <= 1)).all(), emotion

    def test_letters_can_be_read_on_each(self) -> None:
        ink = luminance(canvas.INK)
        for emotion, colour in EMOTION_COLOURS.items():
            # Contrast as WCAG 2 defines it; 4.5 is its level AA for text.
            assert (luminance(colour) + 0.05) / (ink + 0.05) >= 4.5, emotion

    def test_white_grey_and_red_are_what_they_are_in_srgb(self) -> None:
        assert song_colours.rgb_of_oklch(1.0, 0.0, 0.0) == pytest.approx([1, 1, 1], abs=1e-3)
        assert song_colours.rgb_of_oklch(0.0, 0.0, 0.0) == pytest.approx([0, 0, 0], abs=1e-3)
        red = song_colours.rgb_of_oklch(0.6279554, 0.2576833, 29.2338851)
        assert red == pytest.approx([1, 0, 0], abs=1e-3)


def luminance(colour: str) -> float:
    """Relative luminance, in [0, 1]."""
    curved = np.array(rgb(colour)) / 255
    linear = np.where(curved <= 0.04045, curved / 12.92, ((curved + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
