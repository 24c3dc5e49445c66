"""A fresh server and headless Chromium for the browser tests."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
TEACHERS_SECRET = "tangerine dream 1984"
START_SECONDS = 240
SLOW_MS = 240_000  # everything that a busy machine may take; a test that passes never waits for it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _chromium() -> str:
    found = shutil.which("chromium") or (CHROMIUM if Path(CHROMIUM).exists() else None)
    if found is None:
        reason = "needs Debian's chromium (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """Run the app as a visitor's machine would, on a free port, and stop it."""
    port = _free_port()
    log = open(home / "server.log", "wb")  # noqa: SIM115 - the child writes to it
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
            *(f"--server.port={port}", "--server.address=127.0.0.1"),
        ],
        cwd=PROJECT,
        env=os.environ
        | {"TLL_HOME": str(home), "OMP_NUM_THREADS": "1", "TLL_TEACHER_SECRET": TEACHERS_SECRET},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, home / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that all servers of this session share, one after another."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def teachers_secret() -> str:
    """What opens the teacher's page of every server here."""
    return TEACHERS_SECRET


@pytest.fixture(scope="session")
def fresh_server(home: Path) -> "Callable[[], object]":
    """A context manager that runs another server on the same data directory."""
    return lambda: _served(home)


@pytest.fixture(scope="session")
def address(home: Path, chromium: object) -> Iterator[str]:
    """The address of a running server."""
    with _served(home) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """Headless Chromium, or a skip (on CI a failure) that says what is missing."""
    path = _chromium()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visitor(chromium: object) -> Iterator[object]:
    """One visitor's browser profile: its cookie lives as long as the session."""
    profile = chromium.new_context(viewport={"width": 1280, "height": 900})
    profile.set_default_timeout(SLOW_MS)
    yield profile
    profile.close()


@pytest.fixture
def tab(visitor: object) -> Iterator[object]:
    """A new tab of that visitor; a test fails if the page raised or drew an exception."""
    page = visitor.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    exceptions = page.locator("[data-testid=stException]")
    broken += [exceptions.nth(number).inner_text() for number in range(exceptions.count())]
    page.close()
    assert not broken
