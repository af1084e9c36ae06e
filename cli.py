"""`python cli.py ...` is `planbench ...` run from a checkout, with nothing installed but the dependencies."""

from planbench.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
