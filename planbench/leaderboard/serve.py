"""A site, shown locally: its files and nothing above them, to this machine alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from planbench.errors import InputError


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody asked for a line a request."""


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not started yet; port 0 takes any that is free. Raises InputError where it is taken."""
    if not (site / "index.html").is_file():
        raise InputError(f"{site}: no site here; type: planbench leaderboard build")
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(site)))
    except OSError as error:
        raise InputError(f"port {port}: {error.strerror}; choose another --port") from None
