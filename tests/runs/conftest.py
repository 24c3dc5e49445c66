"""What many tests of runs begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.runs.store.runs import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own for every test."""
    opened = Store(tmp_path)
    yield opened
    opened.close()
