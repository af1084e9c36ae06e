"""The settings of a server: `--concurrency`, and the `--model-arg`s that it takes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from planbench.errors import InputError
from planbench.models.catalog import LoadOptions
from planbench.models.server.protocol import Api

ARGS = {
    "api": "chat, or completions for models without a chat template",
    "timeout": "seconds for one reply, waiting in the server's queue included; 600 if not said",
    "retries": "tries after the first, longer and longer apart; 8 if not said, which is about two minutes",
    "body": 'JSON for each request, as {"top_k": -1}; null leaves a field out',
}
OURS = ("model", "messages", "prompt", "stream", "n", "best_of", "echo")
"""Fields that `body` must not set: they decide what is asked, or in what form the answer comes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`timeout` in seconds. `body` is added to every request."""

    api: Api
    timeout: float
    retries: int
    concurrency: int
    body: dict[str, Any]


def read_settings(options: LoadOptions) -> Settings:
    """Raises InputError for a setting that there is not, or a value that it does not take."""
    options.check_args("server", ARGS)
    if options.batch_size is not None:
        raise InputError("--batch-size: a server forms its own batches; type --concurrency N, the requests in flight")
    args = options.args
    api = args.get("api", "chat")
    if api not in ("chat", "completions"):
        raise InputError(f"--model-arg api={api}: type chat or completions")
    timeout = args.get("timeout", "600")
    if not (re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", timeout) and float(timeout) > 0):
        raise InputError(f"--model-arg timeout={timeout}: type a number of seconds above 0")
    retries = args.get("retries", "8")
    if not re.fullmatch(r"[0-9]{1,3}", retries):
        raise InputError(f"--model-arg retries={retries}: type a whole number from 0 to 999")
    concurrency = 16 if options.concurrency is None else options.concurrency
    return Settings(cast("Api", api), float(timeout), int(retries), concurrency, _body(args.get("body", "{}")))


def _body(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InputError("--model-arg body: not a JSON object; write it as in body='{\"top_k\": -1}'")
    if ours := [key for key in body if key in OURS]:
        raise InputError(f"--model-arg body: {ours[0]} is set by planbench; leave it out")
    return cast("dict[str, Any]", body)
