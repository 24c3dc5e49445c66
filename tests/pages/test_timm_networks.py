"""Networks of timm's on the pages: in the list, by a link, by a search; what cannot be used is one sentence."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.backbones import catalogue, timm_catalogue
from widgets import visitor_cookie

PROJECT = Path(streamlit_app.__file__).parent
VISITOR = visitor_cookie.new_visitor()
OTHER = "timm:test_vit.r160_in1k"  # stands in no list


def _page(name: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / name), default_timeout=120)
    page.session_state["visitor"] = VISITOR
    for key, value in query.items():
        page.query_params[key] = value
    return page


def _words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(one.value for kind in kinds for one in kind).replace("\\", "")


def test_curated_networks_stand_behind_the_labs_own() -> None:
    page = _page("pages/finetune.py").run()
    options = page.selectbox(key="backbone").options
    assert len(options) == len(catalogue.offered()) + len(timm_catalogue.ENTRIES)
    assert all(option.startswith("timm · ") for option in options[len(catalogue.offered()) :])
    for name in ("timm:convnextv2_atto.fcmae_ft_in1k", "timm:vit_small_patch14_dinov2.lvd142m"):
        page.selectbox(key="backbone").set_value(name).run()
        assert not page.exception
        entry = catalogue.entry(name)
        assert entry.about in _words(page)
        assert entry.conditions in _words(page)  # before anything is downloaded
        assert ("names no classes of its own" in _words(page)) == (entry.source_classes == 0)
        assert not page.button(key="start").disabled


@pytest.mark.parametrize("name", ["timm:resnet10t.c3_in1k", OTHER, "resnet18"])
def test_a_link_chooses_a_network(name: str) -> None:
    page = _page("pages/finetune.py", network=name).run()
    assert not page.exception
    assert page.selectbox(key="backbone").value == name
    page.selectbox(key="backbone").set_value("tiny_resnet18").run()
    assert page.selectbox(key="backbone").value == "tiny_resnet18"  # the link is followed once


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm:resnet51", "timm has no network 'resnet51'; did you mean"),
        ("timm:pit_ti_224.in1k", "cannot be taken apart into stages here, since"),
        ("nothing", "'nothing' is none of them"),
    ],
)
def test_a_link_to_what_cannot_be_used_is_one_sentence(name: str, sentence: str) -> None:
    page = _page("pages/finetune.py", network=name).run()
    assert not page.exception
    assert sentence in _words(page)
    assert page.selectbox(key="backbone").value in catalogue.BACKBONES
    assert not page.button(key="start").disabled


def test_any_other_network_is_found_by_words_and_taken() -> None:
    page = _page("pages/finetune.py")
    page.session_state["timm_box"] = True
    page.run()
    page.text_input(key="timm_search").set_value("test vit r160").run()
    page.button(key=f"take_{OTHER}").click().run()
    assert not page.exception
    assert page.selectbox(key="backbone").value == OTHER
    page.text_input(key="timm_search").set_value("pit ti distilled").run()
    page.button(key="take_timm:pit_ti_distilled_224.in1k").click().run()
    assert not page.exception
    assert "cannot be taken apart into stages here" in _words(page)
    assert page.selectbox(key="backbone").value == OTHER
    page.text_input(key="timm_search").set_value("nothing at all").run()
    assert "no trained network with all these words" in _words(page)


def test_layers_say_when_a_network_names_no_classes() -> None:
    page = _page("pages/layers.py", network="timm:vit_small_patch14_dinov2.lvd142m").run()
    assert not page.exception
    assert "DINOv2 S/14 was taught no classes that have names" in _words(page)


def test_layers_and_advice_open_a_network_of_timms_by_link() -> None:
    page = _page("pages/layers.py", network="timm:resnet10t.c3_in1k").run()
    assert not page.exception
    assert "The weights of ResNet-10-T are not here yet" in _words(page)
    advice = _page("pages/advise.py", network="timm:resnet10t.c3_in1k").run()
    assert not advice.exception
    assert "which is not here" not in _words(advice)
