"""How deep to freeze: words or pictures in, advice out, all of it a link; wrong input is one sentence."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.advice import choosing, evidence, familiar, forecast, judge
from core.advice.evidence import Cell, Evidence
from core.advice.report import Measures, StageMeasures
from core.backbones import catalogue, timm_catalogue
from core.datasets.dataset import ImportReport
from core.images.to_rgb import PictureReading
from core.metrics.report import Interval
from core.runs import service
from tests.advice.test_choosing import WORLD as CHOICES
from widgets import network_picker, visitor_cookie
from widgets.advise import bring, choice_record
from widgets.previews import Choice, Preview

PAGE = str(Path(streamlit_app.__file__).parent / "pages" / "advise.py")
VISITOR = visitor_cookie.new_visitor()
STAGES = ("stem", "layer1", "layer2", "layer3", "layer4")
TABLE = {  # accuracy by depth: photographs want everything frozen, scans the early stages
    "hymenoptera": (0.70, 0.72, 0.74, 0.76, 0.80, 0.90),
    "cats-dogs": (0.72, 0.73, 0.74, 0.76, 0.80, 0.90),
    "satellite": (0.80, 0.84, 0.90, 0.70, 0.65, 0.60),
    "mnist-6000": (0.85, 0.90, 0.95, 0.80, 0.75, 0.70),
}


def _measures(accuracies: tuple[float, ...]) -> Measures:
    def interval(value: float) -> Interval:
        return Interval(value=value, low=value - 0.05, high=value + 0.05)

    return Measures(
        backbone="tiny_resnet18",
        stages=tuple(
            StageMeasures(
                stage=stage,
                frechet=interval(0.2 + value),
                neighbours=interval(value - 0.1),
                logme=interval(0.1),
                h_score=interval(0.5),
                probe=interval(value - 0.05),
            )
            for stage, value in zip(STAGES, accuracies[1:], strict=True)
        ),
        images=40,
        classes=2,
        per_class=20,
        chance=0.5,
        seconds={"features": 0.04},
    )


@pytest.fixture(scope="module", autouse=True)
def world() -> Iterator[Evidence]:
    """Evidence made by hand, in the place of what ships."""
    made = Evidence(
        backbone="tiny_resnet18",
        stages=STAGES,
        image_size=64,
        made={},
        cells=tuple(
            Cell(
                task=task,
                per_class=20,
                images=40,
                classes=2,
                chance=0.5,
                test_images=200,
                epochs=10,
                accuracy={f"k{depth}": (value, value + 0.01) for depth, value in enumerate(values)},
                seconds={f"k{depth}": 6.0 - depth for depth in range(6)},
            )
            for task, values in TABLE.items()
        ),
        measures={(task, 20): (_measures(values),) for task, values in TABLE.items()},
        pace={f"k{depth}": 4.0 - 0.8 * depth for depth in range(6)},
    )
    cached = (forecast.typical, judge.record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "load", lambda name: made if name == made.backbone else None)
        patch.setattr(evidence, "measured_networks", lambda: (made.backbone,))
        for one in cached:
            one.cache_clear()
        yield made
    for one in cached:
        one.cache_clear()


def _open(**query: str) -> AppTest:
    """Open the page with the network that the evidence made by hand is of, unless ``query`` names another."""
    page = AppTest.from_file(PAGE, default_timeout=120)
    page.session_state["visitor"] = VISITOR
    for name, value in ({"network": "tiny_resnet18"} | query).items():
        page.query_params[name] = value
    return page


def _words(page: AppTest) -> str:
    kinds = (
        page.header,
        page.subheader,
        page.markdown,
        page.caption,
        page.title,
        page.error,
        page.warning,
        page.info,
    )
    return "\n".join(one.value for kind in kinds for one in kind)


def test_a_deep_link_gives_the_advice_for_what_it_says() -> None:
    photos = _open(images="20", classes="2", similar="similar", differ="none", made="camera").run()
    assert not photos.exception
    assert not photos.error
    assert "Freeze all 5 stages and fit only a new last layer." in _words(photos)
    scans = _open(images="20", classes="2", similar="different", differ="objects", made="scan").run()
    assert "Freeze the first 2 of 5 stages, train the rest for 25 epochs" in _words(scans)


def test_answers_go_into_the_address_and_change_the_advice() -> None:
    page = _open(similar="similar", differ="none", made="camera", classes="2").run()
    assert "Freeze all 5 stages" in _words(page)
    page.selectbox(key="layers_similar").set_value("different").run()
    page.selectbox(key="layers_differ").set_value("objects").run()
    page.selectbox(key="layers_made").set_value("scan").run()
    assert page.query_params["made"] in ("scan", ["scan"])
    assert "Freeze the first 2 of 5 stages" in _words(page)
    assert any("the sources contradict each other" in one.label for one in page.expander)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"images": "1"}, "Images per class must lie between 2"),
        ({"images": "-40"}, "Images per class must lie between 2"),
        ({"images": "999999999999"}, "Images per class must lie between 2"),
        ({"classes": "1"}, "Classes must lie between 2"),
    ],
)
def test_absurd_numbers_are_refused_in_one_sentence(query: dict[str, str], says: str) -> None:
    page = _open(**query).run()
    assert not page.exception
    assert [says in one.value for one in page.error] == [True]
    assert "Answer the questions above" in _words(page)


@pytest.mark.parametrize(
    ("name", "value", "called"),
    [
        ("images", "banana", "number"),
        ("classes", "1e3", "number"),
        ("similar", "<b>", "answer"),
        ("network", "alexnet", "network"),
        ("way", "?", "way"),
        ("set", "imagenet", "data set"),
    ],
)
def test_a_link_that_makes_no_sense_says_so_once_and_shows_the_default(
    name: str, value: str, called: str
) -> None:
    page = _open(**{name: value}).run()
    assert not page.exception
    links = [one.value for one in page.warning if "The link names" in one.value]
    assert [f"The link names the {called} “" in one for one in links] == [True]
    assert page.subheader


def test_a_network_without_evidence_of_its_own_borrows_and_says_so() -> None:
    page = _open(network="vit_b_16", similar="similar").run()
    assert not page.exception
    assert "Nothing was measured with" in _words(page)


def test_the_page_begins_with_the_network_that_comes_with_the_lab() -> None:
    page = AppTest.from_file(PAGE, default_timeout=120)
    page.session_state["visitor"] = VISITOR
    page.run()
    assert not page.exception
    network = next(one for one in page.selectbox if one.label == "Pretrained network")
    assert network.value == catalogue.DEFAULT
    # Here only the other network has evidence, so the advice borrows it; its stages are this network's own.
    assert "Nothing was measured with EfficientNet-Lite0" in _words(page)
    assert "stages" in page.subheader[0].value


def test_a_network_whose_package_is_missing_is_no_choice_and_a_link_to_it_says_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = "efficientnet_lite2"
    real = catalogue._is_installed
    monkeypatch.setattr(catalogue, "_is_installed", lambda name: name != missing and real(name))
    assert missing not in network_picker.names()
    assert "pip install -c constraints.txt -r requirements-more.txt" in network_picker.take(missing)
    page = _open(network=missing).run()
    assert not page.exception
    assert any("The link names the network" in one.value for one in page.warning)


def test_a_link_may_name_any_network_of_timms() -> None:
    name = next(iter(timm_catalogue.ENTRIES))
    page = _open(network=name).run()
    assert not page.exception
    chosen = next(one for one in page.selectbox if one.label == "Pretrained network")
    assert chosen.value == name
    assert "Nothing was measured with" in _words(page)


def test_pictures_are_measured_at_the_side_of_the_evidence(
    world: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evidence.side("tiny_resnet18") == 64
    # Without evidence of its own: as large as a run would look at them.
    assert evidence.side(catalogue.DEFAULT) == catalogue.entry(catalogue.DEFAULT).finetune_size
    there = dataclasses.replace(world, image_size=48)
    monkeypatch.setattr(evidence, "load", lambda name: there if name == there.backbone else None)
    sides = []
    real = bring.pictures.of

    def of(choice: Choice, side: int, progress: object = None) -> object:
        sides.append(side)
        return real(choice, side, progress)

    monkeypatch.setattr(bring.pictures, "of", of)
    page = _open(way="pictures", data="lfw-faces", pictures="12").run()
    assert not page.exception
    assert sides == [48]


def test_without_the_table_the_page_says_that_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "load", lambda name: None)
    judge.record.cache_clear()
    page = _open().run()
    judge.record.cache_clear()
    assert not page.exception
    assert len(page.error) == 1
    assert "Not measured yet" in _words(page)


def test_the_record_names_losses_and_the_evidence_is_there_to_browse() -> None:
    page = _open().run()
    words = _words(page)
    assert "4 data sets, 4 cases" in words
    assert "gives away" in words
    assert "What was measured" in words
    ways = [list(one.value["Way to choose"]) for one in page.dataframe if "Way to choose" in one.value]
    assert any("Always a linear probe" in names for names in ways)


def test_built_in_pictures_are_measured_and_advised_on_and_become_a_link() -> None:
    page = _open(way="pictures", data="lfw-faces", pictures="10").run()
    assert not page.exception
    assert not page.error
    words = _words(page)
    assert page.subheader
    assert "How your pictures look from behind each stage" in words
    assert "20 pictures looked at" in words  # ten of each of two classes
    assert page.query_params["data"] in ("lfw-faces", ["lfw-faces"])
    assert page.button(key="advise_check").label == "Check it on my pictures"
    page.button(key="choose_digits").click().run()
    assert page.query_params["data"] in ("digits", ["digits"])
    assert "100 pictures looked at" in _words(page)


def test_pictures_that_are_not_here_are_one_sentence() -> None:
    page = _open(way="pictures", data="upload:somebody-elses", pictures="10").run()
    assert not page.exception
    assert ["Bring yours" in one.value for one in page.warning] == [True]
    assert "Choose pictures above" in _words(page)  # and not the advice for some other data set
    unknown = _open(way="pictures", data="no-such-set", pictures="10").run()
    assert sum("this shows another instead" in one.value for one in unknown.warning) == 1


def test_what_is_said_about_pictures_decides_the_rule_and_the_place_in_the_chart() -> None:
    known = _open(way="pictures", data="lfw-faces", pictures="10").run()
    assert "Nobody said what the pictures show" not in _words(
        known
    )  # a measured data set, whose kind is known
    assert _place(known)[:2] == (0.54, 0.7)
    assert "With few pictures of another kind" in _words(known)
    own = service.store_upload(VISITOR, "animals", _archive("cat", "dog", pictures=12))
    silent = _open(way="pictures", data=own, pictures="all").run()
    assert "Nobody said what the pictures show" in _words(silent)
    assert _place(silent)[:2] == (0.04, 0.96)
    assert "*Photographs of things or animals*: With few pictures that resemble the source" in _words(silent)
    assert "*Anything else*: With few pictures of another kind" in _words(silent)
    photos = _open(way="pictures", data="lfw-faces", pictures="10", similar="similar").run()
    assert not photos.exception
    assert "With few pictures that resemble the source" in _words(photos)
    assert _place(photos) == (0.04, 0.46, 10, 10)  # as far as "similar" reaches; the pictures are counted
    photos.selectbox(key="layers_similar").set_value("different").run()
    assert photos.query_params["similar"] in ("different", ["different"])
    assert "With few pictures of another kind" in _words(photos)
    assert _place(photos)[0] == 0.74


def _place(page: AppTest) -> tuple[float, float, int, int]:
    """The box of what is known, in the chart of the quadrants."""
    for one in page.main.get("plotly_chart"):
        for trace in json.loads(one.proto.spec)["data"]:
            if trace.get("name") == "what is known":
                return min(trace["x"]), max(trace["x"]), min(trace["y"]), max(trace["y"])
    raise AssertionError("the task is not in the chart")


def test_pictures_that_the_advice_has_learned_from_are_called_so_even_as_an_archive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(familiar, "data_set", lambda measures: "satellite")
    own = service.store_upload(VISITOR, "aerial", _archive("road", "wood", pictures=12))
    words = _words(_open(way="pictures", data=own, pictures="all").run())
    assert "These are the pictures of “Aerial scenes”, from which the advice has learned" in words


def test_a_link_to_a_sweep_that_is_gone_says_so_and_offers_another() -> None:
    page = _open(way="pictures", data="lfw-faces", pictures="10", sweep="nonsense").run()
    assert not page.exception
    assert len(page.error) == 1
    assert page.button(key="advise_check").label == "Check it on my pictures"
    assert "sweep" not in page.query_params


def _archive(*classes: str, pictures: int) -> bytes:
    content = io.BytesIO()
    random = np.random.default_rng(0)
    with zipfile.ZipFile(content, "w") as archive:
        for name in classes:
            for number in range(pictures):
                one = io.BytesIO()
                Image.fromarray(random.integers(0, 255, (24, 24, 3)).astype(np.uint8)).save(one, "PNG")
                archive.writestr(f"{name}/{number}.png", one.getvalue())
    return content.getvalue()


def test_own_pictures_get_advice_and_too_few_of_them_one_sentence() -> None:
    good = service.store_upload(VISITOR, "insects", _archive("ants", "bees", pictures=12))
    page = _open(way="pictures", data=good, pictures="all").run()
    assert not page.exception
    assert page.subheader
    poor = service.store_upload(VISITOR, "poor", _archive("ants", "bees", pictures=1))
    page = _open(way="pictures", data=poor, pictures="all").run()
    assert not page.exception
    assert len(page.error) == 1
    assert not page.subheader


def test_the_advice_is_carried_to_the_fine_tune_page() -> None:
    page = AppTest.from_function(_carries, default_timeout=120).run()
    assert not page.exception
    kept = json.loads(page.markdown[0].value.removeprefix("kept "))
    assert kept == {
        "strategy": "freeze_to_depth",
        "depths": {"tiny_resnet18": 2},
        "backbone": "tiny_resnet18",
        "set_epochs": 25,
        "set_learning_rate": 0.001,
        "set_mixup": None,
    }


def _carries() -> None:
    import json

    import streamlit as st

    from core.advice import advisor
    from core.advice.report import Description
    from widgets.advise import answer

    st.session_state["set_mixup"] = 0.4  # set before, and not part of the advice
    description = Description(
        per_class=20, classes=2, similarity="different", difference="objects", imaging="scan"
    )
    advice = advisor.from_description(description, "tiny_resnet18")
    answer.carry(advice)
    names = ("strategy", "depths", "backbone", "set_epochs", "set_learning_rate", "set_mixup")
    st.markdown("kept " + json.dumps({name: st.session_state.get(name) for name in names}))


def test_a_large_network_looks_at_many_pictures_only_when_told_to_and_at_few_at_once() -> None:
    few = Choice(reference="lfw-faces", title="", classes=2, preview=_counts(40, 60), per_class=25)
    many = Choice(reference="digits", title="", classes=2, preview=_counts(9000, 60), per_class=None)
    assert [bring._looked_at(few), bring._looked_at(many)] == [50, bring.MOST]
    assert bring._looked_at(Choice(reference="", title="", classes=2, preview=None)) == bring.MOST


def _counts(*train: int) -> Callable[[], Preview]:
    shown = Preview(
        title="",
        about="",
        licence="",
        citation="",
        class_names=("a", "b"),
        train=train,
        test=None,
        card=b"",
        rows=(),
        report=ImportReport(),
        reading=PictureReading(),
        fingerprint="",
    )
    return lambda: shown


def test_how_good_a_choice_of_network_is_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "load", lambda: CHOICES)
    choice_record._record.clear()
    page = _open().run()
    choice_record._record.clear()
    assert not page.exception
    words = _words(page)
    assert "How good is this choice?" in words
    assert "Choose by “The strongest, unless surely worse”" in words
    assert "LogME 0.43" in words
    figures = next(
        one.value for one in page.dataframe if "Always Tiny ResNet-18" in list(one.value.iloc[:, 0])
    )
    assert "Any one, at random" in list(figures["Way to choose"])


def test_where_no_network_was_measured_nothing_is_said_about_choosing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "load", lambda: None)
    page = _open().run()
    assert not page.exception
    assert "How good is this choice?" not in _words(page)
