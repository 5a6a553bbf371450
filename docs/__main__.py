"""Rewrite the marked blocks of README.md: `python -m docs`."""

from docs.pages import README, blocks, rewritten


def main() -> None:
    """Bring README.md up to date; a test fails while it is not."""
    text = README.read_text("utf-8")
    README.write_text(rewritten(text, blocks(text)), "utf-8")


if __name__ == "__main__":
    main()
