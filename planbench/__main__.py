"""`python -m planbench`."""

from planbench.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
