"""What servers say of their models: `GET /models`.

Not every server lists its models, and some serve models that they do not list. So a model that is named is looked for
in the list, and where it is not there one token is asked of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from planbench.errors import InputError
from planbench.models.server.address import EXAMPLE, Address, Key
from planbench.models.server.exchange import ask, open_client
from planbench.models.server.faults import Fault
from planbench.models.server.fleet import backoff
from planbench.models.server.protocol import PATHS, Api
from planbench.models.server.settings import Settings

LIST_SECONDS = 30.0
LIST_BYTES = 8 * 2**20
LIST_RETRIES = 3
_NO_LIST = ("HTTP 404", "HTTP 405", "HTTP 500", "HTTP 501")
"""What servers that have no list answer; transformers' own fails (500) where no model was ever downloaded."""
_SHOWN = 12
_KEPT = ("root", "max_model_len", "owned_by", "context_length", "digest")
_META = ("n_params", "n_ctx_train", "n_vocab", "size")
"""What is kept of an entry: that which does not change from one call to the next, as a time or an id does."""

Entry = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Listing:
    """`model` is the name to ask for, `entry` what the server says of it, empty where it says nothing."""

    model: str
    entry: Entry
    max_context: int | None


def read_listings(address: Address, key: Key, settings: Settings) -> Listing:
    """Raises InputError where no server answers, where it is not clear which model is meant, and where two servers say
    different things of it."""
    return asyncio.run(_read(address, key, settings))


async def _read(address: Address, key: Key, settings: Settings) -> Listing:
    async with open_client(key) as client:
        tries = min(settings.retries, LIST_RETRIES)
        seconds = min(settings.timeout, LIST_SECONDS)
        found = await asyncio.gather(*(_one(client, url, key, tries, seconds) for url in address.urls))
        alive = {url: models for url, models in zip(address.urls, found, strict=True) if not isinstance(models, Fault)}
        if not alive:
            raise next(_unreachable(url, one) for url, one in zip(address.urls, found, strict=True))
        listed = {url: models for url, models in alive.items() if models}
        model = address.model or _only(listed)
        told = {url: models[model] for url, models in listed.items() if model in models}
        if not told:
            url = next(iter(listed or alive))
            await _probe(client, url, model, settings, key, sorted(alive[url]))
    entry = _agreed(told, model)
    length = entry.get("max_model_len")
    return Listing(model, entry, length if isinstance(length, int) and length > 0 else None)


async def _one(client: Any, url: str, key: Key, tries: int, seconds: float) -> dict[str, Entry] | Fault:
    """The models of one server; none where it has no list."""
    try:
        return _entries(await _patiently(client, f"{url}/models", None, key, tries, seconds))
    except Fault as fault:
        return {} if fault.reason.startswith(_NO_LIST) else fault


async def _patiently(client: Any, url: str, body: Any, key: Key, tries: int, seconds: float) -> Any:
    """What a server answers, asked again while it is in trouble."""
    for round_ in range(1, tries + 2):
        try:
            return await ask(client, url, body, key, seconds=seconds, most=LIST_BYTES)
        except Fault as fault:
            if fault.kind not in ("trouble", "limit") or round_ > tries:
                raise Fault(fault.kind, key.hide(fault.reason)) from None
            await asyncio.sleep(max(backoff(round_), min(fault.wait or 0.0, seconds)))
    raise AssertionError("a loop that returns")


def _entries(data: Any) -> dict[str, Entry]:
    listed = data.get("data") if isinstance(data, dict) else None
    models: dict[str, Entry] = {}
    for one in listed if isinstance(listed, list) else []:
        name = one.get("id") if isinstance(one, dict) else None
        if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 500:
            meta = one.get("meta")
            models[name] = _kept(one, _KEPT) | _kept(meta if isinstance(meta, dict) else {}, _META)
    return models


def _kept(values: Mapping[str, Any], keys: Sequence[str]) -> Entry:
    return {
        key: value[:200] if isinstance(value, str) else value
        for key in keys
        if isinstance(value := values.get(key), str | int) and not isinstance(value, bool) and _plain(value)
    }


def _plain(value: str | int) -> bool:
    """Numbers that JSON readers agree on, text that can be written."""
    return value.isprintable() if isinstance(value, str) else abs(value) < 2**53


def _unreachable(url: str, fault: Fault | Mapping[str, Entry]) -> InputError:
    reason = fault.reason if isinstance(fault, Fault) else ""
    hint = "; is this the address of the API, which mostly ends in /v1?" if "HTML" in reason else ""
    return InputError(f"server:{url}: {reason}{hint or '; check the address, and that the server runs'}")


def _only(listed: Mapping[str, Mapping[str, Entry]]) -> str:
    """The model that every server has, if there is one alone."""
    if not listed:
        raise InputError(f"server: it lists no models, so say which one is meant; write {EXAMPLE}")
    shared = set.intersection(*(set(models) for models in listed.values()))
    if len(shared) != 1:
        names = sorted(set().union(*listed.values()))
        raise InputError(f"server: say which model is meant, as in {EXAMPLE}; there is: {_names(names)}")
    return shared.pop()


def _names(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(name[:120] for name in names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


async def _probe(client: Any, url: str, model: str, settings: Settings, key: Key, names: Sequence[str]) -> None:
    """Ask for one token of a model that is not listed, by either protocol: which one is needed, the prompts decide."""
    said: list[str] = []
    for api in cast("tuple[Api, ...]", (settings.api, *(PATHS.keys() - {settings.api}))):
        body = {"model": model, "max_tokens": 1, "stream": False}
        body |= {"messages": [{"role": "user", "content": "?"}]} if api == "chat" else {"prompt": "?"}
        try:
            tries = min(settings.retries, LIST_RETRIES)
            await _patiently(client, url + PATHS[api], body, key, tries, settings.timeout)
        except Fault as fault:
            # What wants its limit by another name is there.
            if fault.kind in ("limit", "context") or "max_completion_tokens" in fault.reason:
                return
            said.append(fault.reason)
        else:
            return
    there = f"it lists: {_names(names)}" if names else "it lists no models"
    raise InputError(f"server:{url}: does not serve {model} ({said[0]}); {there}")


def _agreed(told: Mapping[str, Entry], model: str) -> Entry:
    """What the servers of a fleet say of the model: the same."""
    first_url, first = next(iter(told.items()), ("", Entry()))
    for url, entry in told.items():
        for key in first.keys() & entry.keys() - {"owned_by"}:
            if first[key] != entry[key]:
                raise InputError(
                    f"server: {first_url} and {url} serve different models as {model} "
                    f"({key}: {first[key]} and {entry[key]}); measure them apart"
                )
    return first
