from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long starts first, so that no core waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have set planbench's variables for themselves."""
    for name in list(os.environ):
        if name.startswith("PLANBENCH_") and name != "PLANBENCH_CACHE":
            monkeypatch.delenv(name)
