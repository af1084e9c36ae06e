"""One HTTP request, in bounded time and memory, in which every fault becomes a `Fault`.

Connecting has its own limit; the whole exchange, answer read to its end, has another, so that a server that drips a
byte a second gains nothing. A body is read up to a limit. Compression is neither asked for nor accepted: a small body
can be a large one inside. Redirects are not followed: the key is for the address that was typed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2

from planbench import __version__
from planbench.errors import InputError
from planbench.models.server.address import Key
from planbench.models.server.faults import Fault, fault_of, what_it_says

CONNECT_SECONDS = 10.0
ERROR_BYTES = 64 * 1024
"""Read of an answer that is an error."""
_KEEP_SECONDS = 4.0
"""An unused connection is closed before the server does so, which could fail a request; uvicorn waits 5 seconds."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def open_client(key: Key) -> httpx2.AsyncClient:
    """A client for the servers of one model. Proxies are those of the environment, but none to this machine itself.

    Raises InputError where the environment names a proxy or certificates that cannot be used.
    """
    headers = {"User-Agent": f"planbench/{__version__}", "Accept-Encoding": "identity", "Accept": "application/json"}
    try:
        return httpx2.AsyncClient(
            headers=headers | key.headers(),
            verify=_certificates(),
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(keepalive_expiry=_KEEP_SECONDS),
            mounts={f"all://{host}": None for host in _LOOPBACK},
            follow_redirects=False,
        )
    except (OSError, ValueError, httpx2.InvalidURL) as error:
        # The error itself may say a proxy's password.
        raise InputError(
            f"server: no client can be made ({type(error).__name__}); check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, "
            "SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None


@cache
def _certificates() -> ssl.SSLContext:
    """Those of the system; reading them takes a tenth of a second, more than the rest of a client."""
    return httpx2.create_ssl_context()


async def ask(
    client: httpx2.AsyncClient, url: str, body: Mapping[str, Any] | None, key: Key, *, seconds: float, most: int
) -> Any:
    """The JSON that `url` answers with, less the key: to a POST of `body`, or to a GET where that is None. `most` is
    the longest answer in bytes. Raises Fault alone."""
    try:
        async with asyncio.timeout(seconds):
            status, headers, content = await _exchange(client, url, body, most)
    except TimeoutError:
        raise Fault("slow", f"no whole answer in {seconds:g} s") from None
    except httpx2.ConnectTimeout:
        raise Fault("trouble", f"no connection in {CONNECT_SECONDS:g} s") from None
    except httpx2.ConnectError as error:
        raise Fault("trouble", f"no connection ({_short(error, key)})") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
        raise Fault("trouble", f"the connection broke ({_short(error, key)})") from None
    if status != 200:
        raise fault_of(status, headers, _shown(content, key))
    if "event-stream" in headers.get("content-type", ""):
        raise Fault("trouble", "the server streams its answer, though it was asked not to")
    try:
        return key.hide_in(json.loads(content))
    except RecursionError:
        raise Fault("trouble", "the answer is JSON nested too deep") from None
    except ValueError:
        said = what_it_says(headers.get("content-type", ""), _shown(content[:ERROR_BYTES], key))
        raise Fault("trouble", f"the answer is not JSON{f': {said}' if said else ''}") from None


async def _exchange(
    client: httpx2.AsyncClient, url: str, body: Mapping[str, Any] | None, most: int
) -> tuple[int, httpx2.Headers, bytes]:
    content = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = client.build_request("GET" if body is None else "POST", url, content=content, headers=headers)
    response = await client.send(request, stream=True)
    try:
        good = response.status_code == 200
        if response.headers.get("content-encoding", "identity") not in ("identity", ""):
            raise Fault("trouble", "the answer is compressed, though it was asked not to be")
        kept = bytearray()
        async for chunk in response.aiter_raw():
            kept += chunk
            if len(kept) > (most if good else ERROR_BYTES):
                if good:
                    raise Fault("trouble", f"the answer is longer than {most >> 10} KiB")
                break
        return response.status_code, response.headers, bytes(kept)
    finally:
        await response.aclose()


def _shown(content: bytes, key: Key) -> str:
    """An answer that is an error, without the key, however it was escaped."""
    try:
        return key.hide(json.dumps(key.hide_in(json.loads(content)), ensure_ascii=False))
    except (ValueError, RecursionError):
        return key.hide(content.decode("utf-8", "replace"))


def _short(error: BaseException, key: Key) -> str:
    text = key.hide(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."
