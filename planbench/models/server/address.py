"""What a MODEL string says of servers, and the key that they are given.

    server:URL#model            one server
    server:URL1,URL2#model      a fleet that serves the same model
    server:URL                  the only model that the server has

A URL without a path gets `/v1`, where every server that we know has its interface; the path of one operation
(`/chat/completions`) is taken off. A password or a query in a URL is refused, as URLs are written to run.json.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from planbench.errors import InputError

KEY_VARIABLE = "PLANBENCH_API_KEY"
EXAMPLE = "server:http://127.0.0.1:8000/v1#model"

_OPERATION = re.compile(r"/(?:chat/completions|completions|models)$")
_HIDDEN = "[key]"
_SECRET = 8
"""Characters from which a key is looked for in replies too. Shorter ones are placeholders (`EMPTY`, `none`) that a
reply may well say."""


@dataclass(frozen=True, slots=True)
class Address:
    """`model` is empty where the string names none."""

    urls: tuple[str, ...]
    model: str

    @property
    def name(self) -> str:
        """What tables show."""
        first, *others = self.urls
        more = f"+{len(others)}" if others else ""
        return f"server:{first}{more}" + (f"#{self.model}" if self.model else "")


def read_address(text: str) -> Address:
    """What stands behind `server:`. Raises InputError for what is no address."""
    where, _, model = text.partition("#")
    urls = [_url(url.strip()) for url in where.split(",")]
    if len(set(urls)) < len(urls):
        raise InputError("server: the same URL twice; name each server of a fleet once")
    if any(not char.isprintable() for char in model):
        raise InputError(f"server: the model's name has characters that cannot be printed; write {EXAMPLE}")
    return Address(tuple(urls), model.strip())


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not text.isascii() or re.search(r"[\s\\]", text):
        raise InputError(f"server: no http or https URL; write {EXAMPLE}")
    if parts.username is not None or parts.password is not None or parts.query:
        raise InputError(
            f"server:{host}: a URL with a password or a query would end up in run.json; "
            f"give the key as the variable {KEY_VARIABLE}"
        )
    name = f"[{host}]" if ":" in host else host
    path = _OPERATION.sub("", parts.path.rstrip("/")) or "/v1"
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{path}"


class Key:
    """The key, which is sent and never shown: it has no readable form, and is taken out of whatever a server says."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @classmethod
    def from_environment(cls) -> Key:
        """Raises InputError, which does not say the key, for one that cannot be sent."""
        secret = os.environ.get(KEY_VARIABLE, "").strip()
        if not all("!" <= char <= "~" for char in secret):
            raise InputError(f"{KEY_VARIABLE}: holds spaces or characters beyond ASCII; set it to the key alone")
        return cls(secret)

    def __repr__(self) -> str:
        return "Key()"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._secret}"} if self._secret else {}

    def hide(self, text: str) -> str:
        """An error message without the key. Call it before the message is cut: half a key is one too."""
        return text.replace(self._secret, _HIDDEN) if self._secret else text

    def hide_in(self, value: Any) -> Any:
        """A JSON value, perhaps with a reply in it, without the key, however it was escaped."""
        if len(self._secret) < _SECRET:
            return value
        text, escaped = json.dumps(value, ensure_ascii=False), json.dumps(self._secret)[1:-1]
        return json.loads(text.replace(escaped, _HIDDEN)) if escaped in text else value
