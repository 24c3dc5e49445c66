"""Pages run by themselves: what they draw, and what they say when something is wrong."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.backbones import catalogue
from core.runs import service
from core.training.config import STRATEGIES
from widgets import data_picker, frame, visitor_cookie

PROJECT = Path(streamlit_app.__file__).parent
SECONDS = 60
VISITOR = visitor_cookie.new_visitor()


def _page(name: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / name), default_timeout=SECONDS)
    page.session_state["visitor"] = VISITOR
    for key, value in query.items():
        page.query_params[key] = value
    return page


def _words(page: AppTest) -> str:
    return "\n".join(
        one.value for kind in (page.markdown, page.caption, page.title, page.error) for one in kind
    )


def test_every_page_of_the_table_has_a_file_and_an_address_of_its_own() -> None:
    assert all(file.exists() for file, *_ in streamlit_app.PAGES)
    addresses = [address for *_, address in streamlit_app.PAGES]
    assert len(set(addresses)) == len(addresses)
    assert addresses[0] == ""


def test_the_session_script_draws_the_front_page_in_its_frame() -> None:
    page = _page("widgets/session.py").run()
    assert not page.exception
    assert "transfer learning" in _words(page)
    assert page.button(key="first_button").label == "Fine-tune your first network"


def test_the_fine_tune_page_is_ready_to_start_on_its_defaults() -> None:
    page = _page("pages/finetune.py").run()
    assert not page.exception
    assert not page.button(key="start").disabled
    assert "Handwritten digits · EfficientNet-Lite0 (comes with the lab) · 3 of 6 stages frozen" in _words(
        page
    )
    assert "from scratch beside it about" in _words(page), "how long it takes is said before the button"
    assert not page.error


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_says_what_it_does_and_can_start(strategy: str) -> None:
    page = _page("pages/finetune.py")
    page.session_state["strategy"] = strategy
    page.run()
    assert not page.exception
    assert STRATEGIES[strategy].what in _words(page)
    assert not page.button(key="start").disabled


def test_every_network_of_the_catalogue_can_be_chosen() -> None:
    page = _page("pages/finetune.py").run()
    for name in catalogue.offered():
        page.selectbox(key="backbone").set_value(name).run()
        assert not page.exception
        assert catalogue.entry(name).about in _words(page)
        assert not page.button(key="start").disabled


def test_settings_keep_their_values_while_their_box_is_closed() -> None:
    page = _page("pages/finetune.py")
    page.session_state["settings"] = True
    page.run()
    page.number_input(key="set_image_size").set_value(8).run()
    assert "image size must lie between 16 and 1024" in _words(page)
    assert page.button(key="start").disabled
    page.session_state["settings"] = False
    page.run()
    assert page.button(key="start").disabled


def _archive(*classes: str, pictures: int = 5) -> bytes:
    content = io.BytesIO()
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(content, "w") as archive:
        for name in classes:
            for number in range(pictures):
                picture = io.BytesIO()
                Image.fromarray(generator.integers(0, 255, (24, 24, 3)).astype(np.uint8)).save(picture, "PNG")
                archive.writestr(f"{name}/{number}.png", picture.getvalue())
    return content.getvalue()


def test_an_uploaded_archive_is_chosen_and_its_left_out_files_are_named() -> None:
    archive = io.BytesIO(_archive("ants", "bees"))
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("ants/broken.png", b"")
    service.store_upload(VISITOR, "insects", archive.getvalue())
    page = _page("pages/finetune.py")
    page.session_state["data_source"] = data_picker.OWN
    page.run()
    assert not page.exception
    assert "10 pictures · 2 classes" in _words(page)
    assert "ants/broken.png" in "\n".join(one.value for one in page.text)
    assert not page.button(key="start").disabled


def test_an_upload_can_be_deleted() -> None:
    service.store_upload(VISITOR, "insects", _archive("ants", "bees"))
    page = _page("pages/finetune.py")
    page.session_state["data_source"] = data_picker.OWN
    page.run()
    page.button(key="own_delete").click().run()
    assert not page.exception
    assert service.uploads_of(VISITOR) == []
    assert page.button(key="start").disabled


def test_an_archive_that_cannot_be_used_is_one_sentence_and_no_start() -> None:
    service.store_upload(VISITOR, "lonely", _archive("ants"))
    page = _page("pages/finetune.py")
    page.session_state["data_source"] = data_picker.OWN
    page.run()
    assert not page.exception
    assert len(page.error) == 1
    assert "only one class" in page.error[0].value
    assert page.button(key="start").disabled


def test_a_download_is_offered_with_its_size_licence_and_citation() -> None:
    page = _page("pages/finetune.py")
    page.session_state["data_source"] = data_picker.DOWNLOAD
    page.session_state["data_download"] = "cifar10"
    page.run()
    assert not page.exception
    words = _words(page)
    assert "170 MB to download" in words
    assert "Krizhevsky" in words
    assert not page.button(key="start").disabled


def test_a_link_to_no_run_is_one_sentence() -> None:
    for run in ("abcdefghijklmnop", "../../etc/passwd"):
        page = _page("pages/run.py", run=run).run()
        assert not page.exception
        assert len(page.error) == 1
        assert "no run" in page.error[0].value
        assert [title.value for title in page.title] == ["No run here"]
        assert "share the run" in _words(page)
        page.button(key="no_run_list").click().run()
        assert [title.value for title in page.title] == ["Runs"]


def test_without_runs_the_list_sends_to_the_first_one() -> None:
    page = _page("pages/runs.py").run()
    assert not page.exception
    assert page.button(key="first_button")


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "**bold** _x_", ":red[danger]", "$x^2$", "[a](http://b)", "a\nb # c"],
)
def test_text_from_outside_means_itself(hostile: str) -> None:
    page = AppTest.from_function(_shows, kwargs={"text": hostile}).run()
    # A backslash before every sign of Markdown's: what is left without them is the text on one line.
    written = page.markdown[0].value
    assert written.replace("\\", "") == " ".join(hostile.split())
    for place, letter in enumerate(written):
        if letter in "<>*_:[]$()#`":
            assert written[place - 1] == "\\"


def _shows(text: str) -> None:
    import streamlit as st

    from widgets import frame

    st.markdown(frame.plain(text))


def test_prose_stands_beside_the_pages() -> None:
    assert "transfer learning" in frame.prose("home")


FULL_LINK = {
    "data": "digits",
    "pictures": "10",
    "network": "tiny_resnet18",
    "strategy": "lp_ft",
    "frozen": "2",
    "epochs": "3",
    "learning_rate": "0.002",
    "batch_norm": "learning",
    "cache": "false",
    "seed": "7",
}


def _address(page: AppTest) -> dict[str, str]:
    """What stands in the address; the test's own parameters come as lists."""
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def test_a_link_sets_the_whole_fine_tune_page_and_the_page_writes_the_same_link() -> None:
    page = _page("pages/finetune.py", **FULL_LINK).run()
    assert not page.exception
    assert not page.warning
    assert "2 of 5 stages frozen" in _words(page)
    chosen = {
        name: page.session_state[f"set_{name}"] for name in ("epochs", "learning_rate", "cache", "seed")
    }
    assert chosen == {"epochs": 3, "learning_rate": 0.002, "cache": False, "seed": 7}
    assert _address(page) == FULL_LINK


def test_what_everybody_begins_with_leaves_the_address_empty() -> None:
    page = _page("pages/finetune.py").run()
    assert _address(page) == {}
    page.button(key="choose_everyday-closeups").click().run()
    page.selectbox(key="strategy").set_value("full").run()
    assert _address(page) == {"data": "everyday-closeups", "pictures": "25", "strategy": "full"}
    page.button(key=f"choose_{data_picker.FIRST}").click().run()
    page.selectbox(key="strategy").set_value("freeze_to_depth").run()
    assert _address(page) == {}


def test_a_browser_that_is_a_click_behind_does_not_undo_what_was_chosen() -> None:
    page = _page("pages/finetune.py", network="tiny_resnet18").run()
    page.selectbox(key="backbone").set_value("resnet18").run()
    assert _address(page)["network"] == "resnet18"
    page.query_params["network"] = "tiny_resnet18"  # as the browser still had it
    page.selectbox(key="backbone").set_value("squeezenet1_0").run()
    assert page.selectbox(key="backbone").value == "squeezenet1_0"
    assert _address(page)["network"] == "squeezenet1_0"


@pytest.mark.parametrize(
    ("name", "value", "called"),
    [
        ("data", "no-such-set", "data set"),
        ("strategy", "magic", "strategy"),
        ("frozen", "99", "number of frozen stages"),
        ("frozen", "-1", "number of frozen stages"),
        ("epochs", "many", "Epochs"),
        ("epochs", "0", "Epochs"),
        ("learning_rate", "nan", "Learning rate"),
        ("optimiser", "nobody", "Optimiser"),
        ("device", "cuda:0", "Device"),
        ("cache", "perhaps", "Cache features"),
        ("seed", "9" * 40, "Seed"),
    ],
)
def test_what_a_link_says_wrongly_is_one_sentence_and_leaves_the_address(
    name: str, value: str, called: str
) -> None:
    page = _page("pages/finetune.py", **{name: value}).run()
    assert not page.exception
    assert not page.error
    assert [f"The link names the {called} “" in one.value for one in page.warning] == [True]
    assert _address(page) == {}
    assert not page.button(key="start").disabled
    assert not page.run().warning, "said once"


def test_a_link_to_somebody_elses_pictures_asks_for_ones_own() -> None:
    page = _page("pages/finetune.py", data="upload:somebody-elses").run()
    assert not page.exception
    assert ["Bring yours" in one.value for one in page.warning] == [True]
    assert page.button(key="start").disabled
