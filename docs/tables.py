"""Tables in Markdown: accuracy from the cards, settings, errors, modules."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from emosync.artifacts import CARD_FILE, ONNX_FILE, Card, read_card
from emosync.config import Config
from emosync.errors import EmoSyncError
from emosync.labels import SPEECH_EMOTIONS
from emosync.training.corpora import SPEECH_CORPORA
from openapi.parts import tree
from predictor import METHODS

ROOT: Final = Path(__file__).parent.parent
MODELS_PATH: Final = ROOT / "models" / "speech"
DASH: Final = "-"
_SENTENCE_END: Final = re.compile(r"(?<=\.) ")

# gunicorn.conf.py reads these; their defaults stand there.
SERVER_VARIABLES: Final = MappingProxyType(
    {
        "PORT": "port to listen on, on all interfaces",
        "WEB_CONCURRENCY": "worker processes; each loads the models",
        "WEB_THREADS": "threads of a worker: uploads and /health go on while a model computes",
    }
)

# Method to card; a method without a model is absent.
Cards = Mapping[str, Card]

# Folders whose modules the README lists.
MODULE_FOLDERS: Final = (
    "",
    "application",
    *(f"application/{room}" for room in ("web", "tasks", "views", "jobs", "commands", "storage")),
    "emosync",
    "emosync/training",
    "openapi",
)


def speech_cards(models_path: Path = MODELS_PATH) -> dict[str, Card]:
    """Read the cards of the speech models.

    Parameters
    ----------
    models_path : Path
        Holds a folder per method.

    Returns
    -------
    dict of str to dict
        Method to card, the default method first.
    """
    folders = {method: models_path / method for method in METHODS["speech"]}
    return {m: read_card(folder) for m, folder in folders.items() if (folder / CARD_FILE).exists()}


def models(cards: Cards) -> str:
    """Tell what each method is and how large its file."""
    rows = []
    for method in METHODS["speech"]:
        card = cards.get(method, {})
        size = card.get("size_bytes", {}).get(ONNX_FILE)
        rows.append(
            (
                f"`{method}`",
                card.get("model_type", DASH),
                len(card.get("labels", ())) or DASH,
                f"{size / 1e6:.1f} MB" if size else DASH,
            )
        )
    return table(("Method", "Model", "Emotions", "File"), rows)


def accuracy(cards: Cards) -> str:
    """Give the accuracy on unseen speakers by corpus, and the figure of the random split."""
    known = {t for m in cards for t in _found(cards, m, "speaker", "by_corpus") or ()}
    titles = [c.title for c in SPEECH_CORPORA.values() if c.title in known]
    rows = [
        (
            f"`{method}`",
            _count(_found(cards, method, "speaker", "clips")),
            *(_both(_found(cards, method, "speaker", "by_corpus", t)) for t in titles),
            _both(_found(cards, method, "speaker")),
            percent(_found(cards, method, "speaker", "calibration_error")),
            percent(_found(cards, method, "seed", "accuracy")),
        )
        for method in METHODS["speech"]
    ]
    return table(("Method", "Clips", *titles, "All", "Calibration error", "Random split"), rows)


def emotions(cards: Cards) -> str:
    """Give the share of each emotion's clips, of unseen speakers, that was told right."""
    rows = [
        (
            f"`{method}`",
            *(
                percent(_found(cards, method, "speaker", "by_emotion", emotion))
                for emotion in SPEECH_EMOTIONS
            ),
        )
        for method in METHODS["speech"]
    ]
    return table(("Method", *SPEECH_EMOTIONS), rows)


def protocols(cards: Cards) -> str:
    """List the protocols of the figures in the words of the cards, with their methods."""
    methods: dict[tuple[str, str], list[str]] = {}
    for method in cards:
        for name in ("speaker", "seed"):
            text = _found(cards, method, name, "protocol")
            if text:
                methods.setdefault((name, text), []).append(f"`{method}`")
    lines = [f"- {name}: {text} ({', '.join(which)})" for (name, text), which in methods.items()]
    details = (line for method in cards for line in _details(cards, method))
    return "\n".join([*lines, *_choices(cards), *details])


def _choices(cards: Cards) -> Iterator[str]:
    """Tell what chose a method's settings and what its shipped model heard, where cards differ."""
    said = {m: _SENTENCE_END.split(card.get("protocol", "")) for m, card in cards.items()}
    shared = set.intersection(*map(set, said.values())) if said else set()
    for method, sentences in said.items():
        own = [sentence for sentence in sentences if sentence and sentence not in shared]
        if own:
            yield f"- `{method}`: {' '.join(own)}"


def _details(cards: Cards, method: str) -> Iterator[str]:
    """Tell how a method's figures differ: by fold, by corpus, and as the model is served."""
    folds = _found(cards, method, "speaker", "by_fold") or {}
    if len(folds) > 1:
        yield f"- `{method}` by fold: {', '.join(percent(share) for share in folds.values())}"
    corpora = _found(cards, method, "speaker", "by_corpus") or {}
    errors = {title: figures.get("calibration_error") for title, figures in corpora.items()}
    if any(error is not None for error in errors.values()):
        told = ", ".join(f"{title} {percent(error)}" for title, error in errors.items())
        yield f"- `{method}`, calibration error by corpus: {told}"
    served = _found(cards, method, "as_served")
    if served:
        int8, float32 = percent(served["int8"]), percent(served["float32"])
        yield (
            f"- `{method}` with int8 weights, as it is served: {int8}; with float32 weights: "
            f"{float32} ({served['protocol']}; {served['clips']:,} clips)"
        )


def configuration() -> str:
    """List every environment variable with its default and its meaning."""
    rows = [
        (f"`{v.name.upper()}`", _default(v.default), v.metadata["meaning"]) for v in fields(Config)
    ]
    defaults = server_defaults()
    rows += [(f"`{n}`", f"`{defaults[n]}`", m) for n, m in SERVER_VARIABLES.items()]
    return table(("Variable", "Default", "Meaning"), rows)


def server_defaults() -> dict[str, str]:
    """Find the variables that gunicorn.conf.py reads, with their defaults."""
    text = (ROOT / "gunicorn.conf.py").read_text("utf-8")
    return dict(re.findall(r"""os\.environ\.get\(["'](\w+)["'], ["'](\w+)["']\)""", text))


def errors() -> str:
    """List the codes of errors with their status."""
    # A class knows those below it in the order of imports, which differs from run to run.
    errors = sorted(tree(EmoSyncError), key=lambda error: (error.status, error.__module__))
    rows = [(error.status, f"`{error.code}`", _meaning(error)) for error in errors]
    # Flask's own, which no code of ours raises; the order of the others stays.
    place = sum(status < 405 for status, *_ in rows)
    rows.insert(place, (405, "`method_not_allowed`", "The route does not take this verb."))
    return table(("Status", "`code`", "Meaning"), rows)


def modules(root: Path = ROOT) -> str:
    """List the modules with the first sentence of their docstrings."""
    paths = [
        path
        for folder in MODULE_FOLDERS
        for path in sorted((root / folder).glob("*.py"))
        if path.name not in ("__init__.py", "gunicorn.conf.py")
    ]
    rows = [(f"`{path.relative_to(root).as_posix()}`", _first_sentence(path)) for path in paths]
    return table(("Module", "What"), rows)


def percent(share: float | None) -> str:
    """Write a share of 1 as percent; a dash if there is none."""
    return DASH if share is None else f"{100 * share:.1f} %"


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Write a table.

    Parameters
    ----------
    head : sequence
        Of the columns.
    rows : iterable of sequence
        As long as `head`.

    Returns
    -------
    str
        Without a line end.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _meaning(error: type[EmoSyncError]) -> str:
    if error is EmoSyncError:  # answered only when nothing more is known
        return "Something went wrong in the service; its log says what."
    return (error.__doc__ or DASH).splitlines()[0]


def _first_sentence(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or DASH).splitlines()[0]


def _found(cards: Cards, method: str, *names: str) -> Any:
    """Return what a method's figures hold under these names; None if they do not."""
    found: Any = cards.get(method, {}).get("figures")
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _count(number: int | None) -> str:
    return DASH if number is None else f"{number:,}"


def _both(figures: Mapping[str, Any] | None) -> str:
    """Write the accuracy, in brackets the mean over emotions."""
    shares = [(figures or {}).get(name) for name in ("accuracy", "unweighted_accuracy")]
    if shares[1] is None:
        return percent(shares[0])
    return f"{percent(shares[0])} ({100 * shares[1]:.1f})"


def _default(value: object) -> str:
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = int(value)  # as the variable is written
    if isinstance(value, float):
        value = f"{value:g}"
    return "empty" if value in ("", b"") else f"`{value}`"
