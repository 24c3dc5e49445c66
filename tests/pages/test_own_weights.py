"""A weights file of one's own on a page: what was done with it, why not, what it takes, and how to be rid of it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import service
from core.runs.home import home
from tests.hostile import weights as weights_files
from widgets import frame

PROJECT = Path(__file__).resolve().parents[2]
VISITOR = "b" * 32
UPLOADER = "weights_file_tiny_resnet18"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    test = AppTest.from_file(str(PROJECT / "pages/layers.py"), default_timeout=120)
    test.session_state["visitor"] = VISITOR
    for name, value in {"view": "channels", "network": "tiny_resnet18", "weights": "own"}.items():
        test.query_params[name] = value
    return test.run()


def words(test: AppTest) -> str:
    return "\n".join(one.value for kind in (test.markdown, test.caption) for one in kind)


def kept() -> list[Path]:
    return [
        path for path in home().rglob("*") if path.is_file() and "weights" in str(path.relative_to(home()))
    ]


def test_what_was_done_is_said_and_the_file_can_be_deleted(page: AppTest) -> None:
    state = {f"module.{name}": value for name, value in weights_files.state().items()}
    content = weights_files.pth({"model_state_dict": state, "epoch": 3})
    page.file_uploader(key=UPLOADER).set_value(("my_net*.pth.tar", content, "application/x-tar")).run()
    assert not page.exception
    assert not page.error
    said = words(page)
    for sentence in (
        "The weights were taken from 'model_state_dict' in the file.",
        "The prefix 'module.' was taken off the names in the weights file.",
    ):
        assert frame.plain(sentence) in said
    assert f"Kept here: {frame.plain('my_net*.pth.tar')}, 11" in said
    assert "channel" in said  # the network is looked at
    assert service.upload_room(VISITOR)[0] == sum(path.stat().st_size for path in kept())
    next(button for button in page.button if button.label == "Delete").click().run()
    assert not page.exception
    assert kept() == []
    assert service.upload_room(VISITOR)[0] == 0
    assert "Until then you see the weights that come with it." in words(page)


def test_what_is_refused_is_one_sentence_and_is_not_tried_again_at_every_click(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = weights_files.great_bytearrays()
    page.file_uploader(key=UPLOADER).set_value(("bytes.pth", content, "application/octet-stream")).run()
    assert not page.exception
    assert [one.value for one in page.error] == [
        "bytes.pth holds more than tensors (builtins.bytearray): opening it could run code of its author, so it was "
        "not opened; save only the state dict, best as .safetensors."
    ]
    assert kept() == []
    monkeypatch.setattr(service, "store_weights", None)  # asked again, it would fail
    page.run()
    assert len(page.error) == 1
