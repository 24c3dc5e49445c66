"""A data directory of its own for every page test, and an address that visitors come from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from core.runs import service


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    yield tmp_path
    service.shutdown()


@pytest.fixture(autouse=True)
def known_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the visitor an address: a page by itself has a mock in its place."""
    monkeypatch.setattr(type(st.context), "ip_address", property(lambda _: "10.0.0.9"))
