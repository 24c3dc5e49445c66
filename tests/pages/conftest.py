"""A data directory of its own for every page test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.jobs import api


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    yield tmp_path
    api.shutdown()
