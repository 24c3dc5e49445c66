"""Fixtures that every room shares."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def _shared(folder: str) -> Path:
    path = PROJECT.parent / "shared" / folder
    if not path.is_dir():
        pytest.skip(f"needs the real files of ../shared/{folder}, which are not on this machine")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real image archives beside the project, or a skip that says so."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of small difficult inputs beside the project, or a skip that says so."""
    return _shared("cases")


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """The folder of real pretrained weights beside the project, or a skip that says so."""
    return _shared("weights")
