"""Downloads against a real server on this machine: whole, broken, wrong, and not there at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core import errors
from core.backbones import download, stages, weights

CONTENT = bytes(range(256)) * 12_000  # 3 MB
HASH = hashlib.sha256(CONTENT).hexdigest()[:8]


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/gone"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 1_000_000 if self.path.startswith("/broken") else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_download_reports_progress_and_is_kept(server: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    url = f"{server}/net-{HASH}.pth"
    path = download.fetch(url, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1
    seen.clear()
    assert download.fetch(url, tmp_path / "cache", lambda *numbers: seen.append(numbers)) == path
    assert not seen


def test_a_damaged_copy_in_the_cache_is_fetched_again(server: str, tmp_path: Path) -> None:
    (tmp_path / f"net-{HASH}.pth").write_bytes(CONTENT[:1000])
    assert download.fetch(f"{server}/net-{HASH}.pth", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("net-00000000.pth", "does not have the checksum"),
        (f"broken-{HASH}.pth", "broke off after 1,000,000 bytes"),
        (f"gone-{HASH}.pth", "answers 404"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(
    server: str, tmp_path: Path, path: str, sentence: str
) -> None:
    with pytest.raises(errors.DownloadError, match=sentence) as caught:
        download.fetch(f"{server}/{path}", tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_interrupted_leaves_nothing(server: str, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch(f"{server}/net-{HASH}.pth", tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.DownloadError, match="cannot be kept on this disk"):
        download.fetch(f"{server}/net-{HASH}.pth", tmp_path / "file")


def test_torchvision_weights_without_network_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(errors.DownloadError, match=r"download\.pytorch\.org cannot be reached") as caught:
        weights.load_pretrained(stages.build("resnet18"), "pretrained")
    assert "\n" not in str(caught.value)
    assert "resnet18-f37072fd.pth" in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
