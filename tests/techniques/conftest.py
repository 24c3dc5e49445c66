"""Fixtures of the experiments that fetch what they need: a data folder, and a server on this machine."""

import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Server:
    """What lies in ``folder`` is served at ``address``; every piece of 64 KiB takes ``pause`` seconds."""

    address: str
    folder: Path
    pause: float = 0.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server, and its folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    told = Server(address="", folder=folder)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def copyfile(self, source: object, outputfile: object) -> None:
            try:
                while piece := source.read(1 << 16):  # type: ignore[attr-defined]
                    time.sleep(told.pause)
                    outputfile.write(piece)  # type: ignore[attr-defined]
            except ConnectionError:  # whoever asked has left
                pass

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        told.address = f"http://127.0.0.1:{running.server_port}"
        yield told
        running.shutdown()


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no way out of this machine: other addresses are asked of a proxy that is not there."""
    folder = tmp_path / "data"
    monkeypatch.setenv("TLL_DATA_DIR", str(folder))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")
    return folder
