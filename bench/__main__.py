"""Command line of the benchmark."""

import sys
from pathlib import Path
from typing import Final

import click

from bench.run import QUICK, Plan, run
from bench.server import ROOT
from bench.tables import markdown

CNN_PATH: Final = ROOT / "models" / "speech" / "cnn"


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "BENCHMARKS.md")
@click.option("--quick", is_flag=True, help="A smoke run of two minutes; its figures mean little.")
@click.option("--plain/--no-plain", default=True, help="Measure the plain way as well.")
@click.option("--plain-python", default=sys.executable, help="Has TensorFlow and librosa.")
def main(output: Path, quick: bool, plain: bool, plain_python: str) -> None:
    """Measure the service and write BENCHMARKS.md; takes about twenty minutes."""
    results = run(
        QUICK if quick else Plan(),
        plain_python=plain_python,
        plain_model=next(CNN_PATH.glob("*.keras"), None) if plain else None,
        say=lambda line: click.echo(line, err=True),
    )
    output.write_text(markdown(results))
    click.echo(f"wrote {output}", err=True)


if __name__ == "__main__":
    main()
