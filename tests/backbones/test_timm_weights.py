"""timm's weights: fetched from a real server on this machine, checked against the hash it states, read as timm does."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save, save_file

from core import errors
from core.backbones import catalogue, download, stages, timm_networks, weights

NAME = "timm:test_resnet.r160_in1k"
OTHER = "timm:test_vit.r160_in1k"


class _Hub(BaseHTTPRequestHandler):
    """Answers as the Hugging Face hub does: a redirect that states the hash, then the file without it."""

    content = b""
    stated = ""
    cut = 0

    def do_GET(self) -> None:
        if self.path.startswith("/file"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.content)))
            self.end_headers()
            self.wfile.write(self.content[: self.cut or None])
            return
        if not self.path.startswith("/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"):
            self.send_error(404)
            return
        self.send_response(302)
        self.send_header("Location", "/file")
        if self.stated:
            self.send_header("X-Linked-ETag", f'"{self.stated}"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def trained() -> dict[str, torch.Tensor]:
    return stages.to_state(stages.build(NAME, seed=21))


@pytest.fixture
def hub(
    trained: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[type[_Hub]]:
    content = save(trained)

    class Hub(_Hub):
        pass

    Hub.content, Hub.stated, Hub.cut = content, hashlib.sha256(content).hexdigest(), 0
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        monkeypatch.setattr(timm_networks, "HUB", f"http://127.0.0.1:{listening.server_port}")
        yield Hub
        listening.shutdown()
        thread.join()


def test_pretrained_weights_are_fetched_once_and_fill_the_network(
    hub: type[_Hub], trained: dict[str, torch.Tensor]
) -> None:
    assert not weights.are_here(NAME)
    seen: list[tuple[int, int]] = []
    backbone = stages.build(NAME, seed=0)
    weights.load_pretrained(backbone, "pretrained", lambda *numbers: seen.append(numbers))
    state = stages.to_state(backbone)
    assert all(torch.equal(state[key], tensor) for key, tensor in trained.items())
    assert seen[-1] == (len(hub.content), len(hub.content))
    assert abs(catalogue.entry(NAME).download_bytes / len(hub.content) - 1) < 0.05
    assert weights.are_here(NAME)
    hub.content = b""  # from here on the server has nothing
    weights.load_pretrained(stages.build(NAME, seed=0))


def test_a_damaged_copy_is_fetched_again(hub: type[_Hub]) -> None:
    path = weights.downloaded(NAME)
    assert path.name == f"model-{hub.stated[:16]}.safetensors"
    path.write_bytes(b"damaged")
    assert weights.downloaded(NAME).read_bytes() == hub.content


def test_what_goes_wrong_is_one_sentence_and_leaves_nothing(
    hub: type[_Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(sentence: str, name: str = NAME) -> None:
        with pytest.raises(errors.DownloadError, match=sentence) as caught:
            weights.downloaded(name)
        assert "\n" not in str(caught.value)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    right, hub.stated = hub.stated, "0" * 64
    refused("does not have the checksum that the server states; it was thrown away")
    hub.stated = ""
    refused("does not say which checksum")
    hub.stated, hub.cut = right, 1000
    refused("broke off after 1,000 bytes")
    hub.cut = 0
    refused("answers 404", OTHER)
    with monkeypatch.context() as full:
        full.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=7))
        refused("takes .* MB, and this disk has .* left; make room and try again")
    monkeypatch.setattr(timm_networks, "HUB", "http://127.0.0.1:1")
    refused("cannot be reached; go online and try again")


def test_a_network_without_weights_says_so() -> None:
    with pytest.raises(
        errors.DownloadError, match="hands out no weights of efficientnet_b0_g8_gn as safetensors"
    ):
        timm_networks.address("timm:efficientnet_b0_g8_gn")


def test_a_local_file_goes_through_the_same_door(tmp_path: Path, trained: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "mine.safetensors"
    save_file({f"module.{key}": tensor for key, tensor in trained.items()}, path)
    backbone = stages.build(NAME, seed=0)
    weights.load_pretrained(backbone, path)
    assert any("'module.' was taken off" in sentence for sentence in backbone.said)
    state = stages.to_state(backbone)
    assert all(torch.equal(state[key], tensor) for key, tensor in trained.items())
    with pytest.raises(errors.WeightsError, match="does not fit timm:test_vit"):
        weights.load_pretrained(stages.build(OTHER), path)


def test_class_names_are_known_where_there_are_classes() -> None:
    names = weights.source_class_names(catalogue.entry(NAME))
    assert len(names) == 1000
    assert names[285] == "Egyptian cat"
    for name, count in [
        ("timm:vit_tiny_patch16_224.augreg_in21k", 21843),
        ("timm:vit_base_patch32_clip_224.openai", 0),
        ("timm:vit_small_patch14_dinov2.lvd142m", 0),
    ]:
        assert len(timm_networks.class_names(name)) == count
