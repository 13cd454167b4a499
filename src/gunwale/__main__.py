"""``python -m gunwale`` and the ``gunwale`` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its status."""
    from gunwale.cli import run

    run()


if __name__ == "__main__":
    main()
