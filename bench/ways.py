"""Ways of asking, as the load generator is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.server import ROOT

# A voice of 3 s, as WAV.
RECORDING: Final = ROOT / "tests" / "audio" / "voice_3s.wav"


@dataclass(frozen=True)
class Upload:
    """A recording or a picture to post to /predict.

    Attributes
    ----------
    path : Path
        The file.
    form : mapping of str to str
        The other fields.
    part : str
        Field of the file.
    """

    path: Path
    form: Mapping[str, str] = field(default_factory=dict)
    part: str = "file"

    def options(self) -> list[str]:
        """Tell it to the load generator."""
        pairs = [f"{name}={value}" for name, value in self.form.items()]
        words = ["--file", str(self.path), "--part", self.part]
        return [*words, *(word for pair in pairs for word in ("--form", pair))]


@dataclass(frozen=True)
class Get:
    """Paths to ask for in turn, with their queries."""

    paths: Sequence[str]

    def options(self) -> list[str]:
        """Tell them to the load generator."""
        return [word for path in self.paths for word in ("--get", path)]


@dataclass(frozen=True)
class Post:
    """JSON to post.

    Attributes
    ----------
    path : str
        Where to, with its query.
    body_path : Path
        Holds the JSON.
    """

    path: str
    body_path: Path

    def options(self) -> list[str]:
        """Tell it to the load generator."""
        return ["--post", self.path, "--json", str(self.body_path)]


Way = Upload | Get | Post
