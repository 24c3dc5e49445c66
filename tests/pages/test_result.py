"""A finished run's page: a plain sentence, three ways on, mistakes as ways into the network, another run beside it."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.runs import data, results, service
from core.runs.home import run_directory
from core.runs.kinds import table
from core.runs.kinds.kind import Work
from core.runs.kinds.lanes import TRAINING
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
from widgets import settings, visitor_cookie
from widgets.layers import answers, run_picture, selection
from widgets.runs import against
from widgets.specimens import NetworkKey

PROJECT = Path(streamlit_app.__file__).parent
PROBE = FinetuneConfig(
    backbone="tiny_resnet18", strategy="linear_probe", per_class=5, image_size=32, device="cpu"
)
# What the fine-tune page remembers between pages, settings aside.
KEPT = (
    *("visitor", "backbone", "weights_tiny_resnet18", "strategy", "depths"),
    *("data_source", "data_built_in", "per_class_given", "own_fit"),
)
LINKS: list[tuple[str, str, dict[str, str]]] = []  # of the last page: file, label, parameters


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> str:
    """A visitor whose runs are carried out by the test, on pages that know no other pages to link to."""

    def link(page: Path, *, label: str, query_params: dict[str, str] | None = None, **_: Any) -> None:
        LINKS.append((page.stem, label, query_params or {}))

    monkeypatch.setattr(service, "start", lambda: None)
    monkeypatch.setattr(st, "page_link", link)
    monkeypatch.setattr(
        st, "switch_page", lambda page, *, query_params: link(page, label="", query_params=query_params)
    )
    return visitor_cookie.new_visitor()


def _run(
    visitor: str, config: FinetuneConfig = PROBE, reference: str = "digits", title: str = "Digits"
) -> str:
    store = service.open_store()
    spec = RunSpec(config=config, data=reference, title=title)
    run = store.add(spec, visitor)
    claim = store.claim(TRAINING, slots=99)
    assert claim is not None
    kind = table.kind(spec)
    recorder = Recorder(run_directory(service.home(), run), kind, spec)
    for event in kind.events(Work(config=config, dataset=data.open_data(spec, store))):
        recorder.write(event)
    recorder.close()
    assert recorder.summary is not None
    store.end(claim, "finished", summary=recorder.summary)
    return run


def _page(name: str, visitor: str, **query: str) -> AppTest:
    LINKS.clear()
    page = AppTest.from_file(str(PROJECT / name), default_timeout=300)
    page.session_state["visitor"] = visitor
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def _words(page: AppTest) -> str:
    return "\n".join(
        one.value for kind in (page.markdown, page.caption, page.info, page.error) for one in kind
    ).replace("\\", "")


def _archive() -> bytes:
    """A ZIP of two classes that hardly differ, so that mistakes are made."""
    generator, packed = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("left", "right"):
            for number in range(16):
                content = io.BytesIO()
                Image.fromarray(generator.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(
                    content, format="PNG"
                )
                archive.writestr(f"{name}/{name}_{number}.png", content.getvalue())
    return packed.getvalue()


def test_the_page_begins_with_a_plain_sentence_and_mistakes_lead_into_the_network(visitor: str) -> None:
    run = _run(visitor)
    images, result = results.test_images(run), results.result(run)
    page = _page("pages/run.py", visitor, run=run)
    right = round(100 * float((images.scores.argmax(axis=1) == images.labels).mean()))
    says = [one.value.replace("\\", "") for one in page.markdown]
    assert any(one.startswith(f"## {right} of 100 new pictures right; guessing gets 10") for one in says)
    into = [
        (label, query) for page_name, label, query in LINKS if page_name == "layers" and "picture" in query
    ]
    assert into, "mistakes are links"
    label, query = into[0]
    number = int(query["picture"].rpartition(":")[2])
    true, called = int(images.labels[number]), int(images.scores[number].argmax())
    assert true != called
    assert label == f"called **{called}** ({100 * images.scores[number].max():.0f}\u00a0%), is **{true}**"
    assert (query["target"], query["second_target"]) == (str(called), str(true))
    wrong = images.scores[images.labels != images.scores.argmax(axis=1)]
    assert images.scores[number].max() == wrong.max(), "the most confident mistake comes first"
    # The picture in Layers is the one that was tested: the network says the same to it.
    page = _page("pages/layers.py", visitor, **query)
    words = _words(page)
    assert f"**{result.class_names[called]}**: the network says" in words
    assert f"**{result.class_names[true]}**: the network says" in words
    assert page.query_params["picture"] in (query["picture"], [query["picture"]])


def test_the_network_says_to_a_test_picture_in_layers_what_it_said_in_the_test(visitor: str) -> None:
    run = _run(visitor)
    images = results.test_images(run)
    version = results.result_path(run).stat().st_mtime
    for number in (0, 7, len(images.labels) - 1):
        shown = run_picture._read(run, version, number, "run", frozenset({32, 64}))
        seen = selection.Selection(
            picture=shown, network=NetworkKey(name=f"run:{run}", version=version), side=32
        )
        np.testing.assert_array_equal(seen.pixels, images.images[number], "to the pixel")
        # The run may have computed in bfloat16, whose numbers have eight bits.
        np.testing.assert_allclose(answers.probabilities(seen), images.scores[number], atol=0.03)


@pytest.mark.parametrize(
    ("wrong", "says"), [("run:{run}:99999", "no test picture 99,999"), ("run:nobody:1", "There is no run")]
)
def test_a_link_to_a_picture_that_is_not_there_is_one_sentence(visitor: str, wrong: str, says: str) -> None:
    run = _run(visitor)
    page = _page(
        "pages/layers.py", visitor, network="tiny_resnet18", view="filters", picture=wrong.format(run=run)
    )
    assert says in "\n".join(one.value for one in page.warning).replace("\\", "")
    assert "picture" not in page.query_params


def test_a_persons_own_run_comes_first_among_the_networks(visitor: str) -> None:
    run = _run(visitor)
    page = _page("pages/layers.py", visitor, network="tiny_resnet18", view="filters")
    assert page.selectbox(key="layers_network").options[0] == "Run: Digits"
    assert page.selectbox(key="layers_network").value == "tiny_resnet18"
    assert run


def test_names_of_ones_own_files_stand_under_mistakes_for_the_owner_alone(visitor: str) -> None:
    reference = service.store_upload(visitor, "noise", _archive())
    run = _run(visitor, reference=reference, title="Noise")
    names = results.test_images(run).files
    assert sorted(names)
    assert all(name.partition("_")[0] in ("left", "right") for name in names)
    images = results.test_images(run)
    for name, label in zip(names, images.labels, strict=True):
        assert name.startswith(results.result(run).class_names[label]), "each name is its own picture's"
    wrong = [
        name
        for name, label, scores in zip(names, images.labels, images.scores, strict=True)
        if scores.argmax() != label
    ]
    words = _words(_page("pages/run.py", visitor, run=run))
    assert wrong
    assert all(name in words for name in wrong[:16])
    token = service.share(run, visitor=visitor)
    guests = _words(_page("pages/run.py", visitor_cookie.new_visitor(), run=token))
    assert "new pictures right" in guests
    assert not any(name in guests for name in names)
    service.delete_upload(visitor, reference)
    assert results.test_images(run).files == ()


def test_freezing_otherwise_takes_pictures_network_and_settings_along_and_comes_back_to_compare(
    visitor: str,
) -> None:
    config = FinetuneConfig(
        backbone="tiny_resnet18", freeze_depth=4, per_class=10, image_size=32, epochs=1, seed=3, device="cpu"
    )
    run = _run(visitor, config, title="Four frozen")
    page = _page("pages/run.py", visitor, run=run)
    page.button(key="next_freeze").click().run()
    assert ("finetune", "", {"against": run}) in LINKS
    begun = AppTest.from_file(str(PROJECT / "pages/finetune.py"), default_timeout=300)
    begun.query_params["against"] = run
    for key in (*KEPT, *(f"set_{name}" for name in settings.SETTINGS)):
        if key in page.session_state:
            begun.session_state[key] = page.session_state[key]
    begun.run()
    assert not begun.exception
    words = _words(begun)
    assert "As in **Four frozen**, frozen otherwise" in words
    assert "Handwritten digits" in words
    assert "Full fine-tuning" in words, "mostly frozen before, all trained now"
    asked: list[RunSpec] = []
    begun.button(key="start").click()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "submit", lambda spec, *_, **__: asked.append(spec) or "new")
        begun.run()
    assert LINKS[-1] == ("run", "", {"run": "new", "against": run})
    new = asked[0].finetune
    assert (new.strategy, new.per_class, new.image_size, new.epochs, new.seed, new.device) == (
        "full",
        10,
        32,
        1,
        3,
        "cpu",
    )
    assert (asked[0].data, new.backbone) == ("digits", "tiny_resnet18")


def test_another_run_stands_beside_it_class_by_class(visitor: str) -> None:
    first, second = (
        _run(visitor),
        _run(visitor, FinetuneConfig(**(PROBE.to_json() | {"per_class": 1})), title="One each"),
    )
    page = _page("pages/run.py", visitor, run=second, against=first)
    words = _words(page)
    assert "Is the difference real?" in words
    assert "Class by class" in words
    assert page.selectbox(key=f"against_{second}").value == first
    assert against.CONTROL not in page.selectbox(key=f"against_{second}").options
    a, b = (results.result(run).test.classes for run in (second, first))
    better = sum(one.recall > other.recall for one, other in zip(a, b, strict=True))
    assert f"A finds more of {better} class" in words
