"""Command line of training: train and export a model, or judge a method.

Every step is kept in the work folder, so a command that was interrupted goes on where it
stopped, and what was trained once is not trained again.
"""

import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

METHODS: Final = ("whisper", "cnn", "svm", "random_forest")
DATA_HELP: Final = "Folder that holds ravdess/, cremad/, tess/, savee/ and emodb/."
MUSIC_HELP: Final = "Folder that holds 4q/, emotify/, deam/, emomusic/, pmemo/, or some of them."

_existing = click.Path(exists=True, file_okay=False, path_type=Path)
_method = click.option("--method", type=click.Choice(METHODS), required=True)
_data = click.option("--data", type=_existing, required=True, help=DATA_HELP)
_music = click.option("--data", type=_existing, required=True, help=MUSIC_HELP)
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
    its card come from speakers that were held out. `cnn` learns from `whisper`, which must
    have been trained before. With KERAS_BACKEND=torch training is quicker on processors
    with bfloat16 units; the same command with KERAS_BACKEND=tensorflow then exports.
    """
    # Imported here, as in every command: Keras takes seconds, and --help needs none of it.
    from emosync.training.speech import ship

    try:
        click.echo(f"wrote {ship(method, data, models, work, fold=fold)}")
    except RuntimeError as exc:
        raise click.ClickException(str(exc)) from exc


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

    from emosync.config import read_config
    from emosync.errors import EmoSyncError
    from library_build import build_library
    from song_sources import iter_songs

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
