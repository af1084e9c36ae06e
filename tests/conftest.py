from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have set planbench's variables for themselves."""
    for name in list(os.environ):
        if name.startswith("PLANBENCH_") and name != "PLANBENCH_CACHE":
            monkeypatch.delenv(name)
