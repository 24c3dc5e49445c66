"""The layers page: every view draws, every view is a link, and a wrong link is one sentence."""

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.images import decoding
from core.interpretation import atlas
from widgets import visitor_cookie

PAGE = str(Path(streamlit_app.__file__).parent / "pages" / "layers.py")
VIEWS = ("contrast", "filters", "channels", "attribution", "specificity", "training", "atlas")
VISITOR = visitor_cookie.new_visitor()


def _open(**query: str) -> AppTest:
    """Open the page on the quickest network, unless the link names another one; "" names none."""
    query = {"network": "tiny_resnet18"} | query
    page = AppTest.from_file(PAGE, default_timeout=120)
    page.session_state["visitor"] = VISITOR
    for name, value in query.items():
        if value:
            page.query_params[name] = value
    return page


def _words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.title, page.error, page.warning, page.info)
    return "\n".join(one.value for kind in kinds for one in kind)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_by_its_link(view: str) -> None:
    page = _open(view=view, images="150").run()
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert page.query_params.get("view") == view


@pytest.mark.parametrize("view", ["channels", "attribution", "atlas", "filters"])
def test_the_network_that_stands_in_the_lab_is_drawn_where_the_link_names_none(view: str) -> None:
    page = _open(view=view, network="").run()
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert "network" not in page.query_params
    words = _words(page)
    expected = {
        "channels": ("stem · channel", "Egyptian cat goes from"),
        "attribution": ("Egyptian cat", "224 × 224 pixels"),
        "atlas": ("Measured on 10,000 validation images of Tiny ImageNet, 64 x 64 pixels enlarged to 128",),
        "filters": ("**32 filters** of 3 × 3 pixels",),
    }
    assert all(said in words for said in expected[view])


def test_an_atlas_entry_leads_to_the_same_network() -> None:
    ours = _open(view="atlas", tile="layer4-17", **{"in": "layer4"}).run()
    assert "(?network=tiny_resnet18&view=channels&stage=layer4&channel=17)" in _words(ours)
    usual = _open(view="atlas", network="", tile="block2-7", **{"in": "block2"}).run()
    assert "(?view=channels&stage=block2&channel=7)" in _words(usual)


def test_a_stage_that_the_atlas_does_not_show_yet_is_watched_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "tiny_resnet18"
    shutil.copytree(atlas.DATA / "tiny_resnet18", ours)
    index = json.loads((ours / atlas.INDEX).read_text(encoding="utf-8"))
    for stage in ("layer4", atlas.CLASSES):
        del index["stages"][stage]
    (ours / atlas.INDEX).write_text(json.dumps(index), encoding="utf-8")
    load = atlas.load
    monkeypatch.setattr(atlas, "load", lambda network: load(network, tmp_path))
    st.cache_resource.clear()
    page = _open(view="atlas", **{"in": "layer4"}).run()
    assert not page.exception
    assert "no pictures of layer4 yet" in _words(page)
    assert page.button(key="layers_wish_start")
    page = _open(view="atlas").run()  # its classes are missing: all that is there is shown
    assert "Fires most for" in _words(page)
    page = _open(view="channels", stage="layer4", channel="17").run()
    assert not page.exception
    assert "What it wants**" not in _words(page)
    st.cache_resource.clear()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_a_network_of_random_weights(view: str) -> None:
    page = _open(view=view, weights="random", picture="grass", images="150").run()
    assert not page.exception
    assert not page.error


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("network", "network"),
        ("picture", "picture"),
        ("stage", "stage"),
        ("channel", "channel"),
        ("view", "view"),
    ],
)
def test_a_link_that_names_what_is_not_here_says_so_once_and_shows_the_default(name: str, what: str) -> None:
    query = {"view": "channels"} | {name: "no-such-<b>thing</b>"}
    page = _open(**query).run()
    assert not page.exception
    sentences = [one.value for one in page.warning]
    assert len(sentences) == 1
    assert f"names the {what}" in sentences[0]
    assert "<b>" not in sentences[0].replace("\\<", "")
    page.run()
    assert not page.warning


def test_a_link_opens_the_same_channel_again() -> None:
    page = _open(view="channels", picture="coffee", stage="layer3", channel="100").run()
    assert "layer3 · channel 100" in _words(page)
    assert "Without it" in _words(page)


def test_a_channel_beyond_the_stages_last_is_refused_in_one_sentence() -> None:
    page = _open(view="channels", stage="stem", channel="32").run()
    assert not page.exception
    assert [one.value for one in page.warning] == [
        "The link names the channel “32”, which is not here; this shows the default instead."
    ]


def test_a_run_that_does_not_exist_is_one_sentence() -> None:
    page = _open(view="channels", network="run:0123456789abcdef").run()
    assert not page.exception
    assert not page.error
    assert ["names the network" in one.value for one in page.warning] == [True]


def test_the_visitors_own_picture_is_asked_for_and_then_shown() -> None:
    page = _open(view="channels", picture="own").run()
    assert not page.exception
    assert "Choose a picture first" in _words(page)
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)).save(out, "PNG")
    page.file_uploader(key="layers_file").set_value(("grey.png", out.getvalue(), "image/png")).run()
    assert not page.exception
    assert not page.error
    assert "channel" in _words(page)


def test_a_picture_is_hashed_and_decoded_once_however_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (600, 500, 3), dtype=np.uint8)).save(
        out, "JPEG"
    )
    content, done = out.getvalue(), []
    ask, sha256 = decoding._ask, hashlib.sha256

    def asking(pool, contents, *rest, **more):
        done.extend("decoded" for one in contents if one == content)
        return ask(pool, contents, *rest, **more)

    def hashing(given=b"", **more):
        if bytes(given) == content:
            done.append("hashed")
        return sha256(given, **more)

    monkeypatch.setattr(decoding, "_ask", asking)
    monkeypatch.setattr(hashlib, "sha256", hashing)
    page = _open(view="channels", picture="own").run()
    page.file_uploader(key="layers_file").set_value(("mine.jpg", content, "image/jpeg")).run()
    assert "stem · channel" in _words(page)
    for view in VIEWS:
        page.query_params["view"] = view
        assert not page.run().exception
    page.query_params["weights"] = "random"
    for network in ("tiny_resnet18", "squeezenet1_1"):  # of 64 and of 224 pixels
        page.query_params["network"] = network
        page.query_params["view"] = "channels"
        assert not page.run().exception
        assert "stem · channel" in _words(page)
    assert sorted(done) == ["decoded", "hashed"]


def test_a_file_that_is_no_picture_is_refused_once_and_said_at_every_rerun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = _open(view="channels", picture="own").run()
    page.file_uploader(key="layers_file").set_value(("mine.png", b"no picture", "image/png")).run()
    refused = [one.value for one in page.error]
    assert len(refused) == 1
    assert "not a picture" in refused[0]
    assert "Choose a picture first" in _words(page)
    monkeypatch.setattr(decoding, "_ask", None)  # whoever decodes now fails
    page.run()
    assert not page.exception
    assert [one.value for one in page.error] == refused


def test_weights_of_the_visitors_own_are_looked_at_and_stay_out_of_the_address(tmp_path: Path) -> None:
    from safetensors.torch import save

    from core.backbones import stages
    from core.runs import service

    content = save(stages.to_state(stages.build("squeezenet1_1", seed=5)))
    path = service.store_weights("a visitor", "squeezenet1_1", "mine.safetensors", content)
    page = _open(view="channels", network="squeezenet1_1", weights="own")
    page.session_state["weights_squeezenet1_1"] = path
    page.run()
    assert not page.exception
    assert not page.error
    assert "stem · channel" in _words(page)
    assert all(path not in value for value in map(str, page.query_params.values()))


def test_weights_that_must_be_downloaded_are_offered_and_refused_in_one_sentence_when_offline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    from core.backbones import download
    from core.errors import DownloadError

    def offline(*_arguments: object, **_more: object) -> Path:
        raise DownloadError("There is no network.")

    monkeypatch.setattr(download, "fetch", offline)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    page = _open(view="channels", network="resnet18").run()
    assert not page.exception
    assert not page.error
    assert "not here yet" in _words(page)
    page.button(key="layers_download").click().run()
    assert not page.exception
    assert [one.value for one in page.error] == ["There is no network."]
    assert page.button(key="layers_download").label == "Download 47 MB"


def test_turning_to_another_view_forgets_the_place_that_only_the_last_one_had() -> None:
    page = _open(view="channels", stage="layer4", channel="200").run()
    page.button_group(key="layers_view").set_value("filters").run()
    assert not page.exception
    assert not page.warning
    assert "channel" not in page.query_params


def test_the_sanity_check_has_nothing_to_forget_in_random_weights() -> None:
    page = _open(view="attribution", weights="random", check="sanity").run()
    assert not page.exception
    assert "random already" in _words(page)
