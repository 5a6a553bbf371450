"""Rewrite the marked blocks of README.md and its pictures: `python -m docs`."""

from docs.pages import README, blocks, rewritten
from docs.pictures import PICTURES_PATH, outdated, pictures


def main() -> None:
    """Bring README.md and docs/pictures up to date; a test fails while they are not."""
    text = README.read_text("utf-8")
    README.write_text(rewritten(text, blocks(text)), "utf-8")
    PICTURES_PATH.mkdir(exist_ok=True)
    for name, png in outdated(pictures()).items():
        (PICTURES_PATH / name).write_bytes(png)


if __name__ == "__main__":
    main()
