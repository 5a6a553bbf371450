"""Rewrite the marked blocks of the pages and their pictures: `python -m docs`."""

from docs.pages import blocks, read_pages, rewritten
from docs.pictures import PICTURES_PATH, outdated, pictures
from docs.tables import ROOT


def main() -> None:
    """Bring README.md and docs/ up to date; a test fails while they are not."""
    texts = read_pages()
    for page, text in rewritten(texts, blocks(texts)).items():
        (ROOT / page).write_text(text, "utf-8")
    PICTURES_PATH.mkdir(exist_ok=True)
    for name, png in outdated(pictures()).items():
        (PICTURES_PATH / name).write_bytes(png)


if __name__ == "__main__":
    main()
