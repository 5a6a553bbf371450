"""Command line of training: train and export a model, or judge a method.

Every step is kept in the work folder, so a command that was interrupted goes on where it
stopped, and what was trained once is not trained again.
"""

import json
from pathlib import Path
from typing import Final

import click

METHODS: Final = ("whisper", "cnn", "svm", "random_forest")
DATA_HELP: Final = "Folder that holds ravdess/, cremad/, tess/, savee/ and emodb/."

_existing = click.Path(exists=True, file_okay=False, path_type=Path)
_method = click.option("--method", type=click.Choice(METHODS), required=True)
_data = click.option("--data", type=_existing, required=True, help=DATA_HELP)
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
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("models"),
    show_default=True,
    help="Where the model's folder is written.",
)
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


if __name__ == "__main__":
    cli()
