"""A sweep on the runs page: live, finished, beside single runs, and behind links that expect one."""

import json
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.events import Progress
from core.runs import results, service
from core.runs.home import run_directory
from core.runs.kinds import table
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_report import pack
from widgets import visitor_cookie

PROJECT = Path(streamlit_app.__file__).parent
CONFIG = SweepConfig(backbone="tiny_resnet18", seeds=2)
ARMS = ("k0", "k1", "k2", "k3", "k4", "k5", "lp_ft")
RIGHT = dict(zip(ARMS, (60, 80, 82, 81, 50, 40, 80), strict=True))


def _page(name: str, visitor: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / name), default_timeout=60)
    page.session_state["visitor"] = visitor
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def _words(page: AppTest) -> str:
    return "\n".join(
        one.value for kind in (page.markdown, page.caption, page.title, page.error) for one in kind
    ).replace("\\", "")


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue: the tests do
    # A page by itself knows no other pages to link to.
    monkeypatch.setattr(st, "page_link", lambda _page, *, label, **_: st.markdown(label))
    return visitor_cookie.new_visitor()


def _sweep(visitor: str, arms: int, *, finish: bool = False, title: str = "All <b>depths</b>") -> str:
    """A sweep in the store whose first ``arms`` arms are in its log."""
    store = service.open_store()
    spec = RunSpec(config=CONFIG, data="digits", title=title)
    run = store.add(spec, visitor)
    claim = store.claim(TRAINING, slots=99)
    assert claim is not None
    assert claim.run == run
    recorder = Recorder(run_directory(service.home(), run), table.kind(spec), spec)
    recorder.write(
        SweepStarted(
            config=CONFIG.to_json(),
            data_name="digits",
            data_fingerprint="f",
            class_names=("a", "b"),
            images={"train": 40, "test": 100},
            stages=("stem", "layer1", "layer2", "layer3", "layer4"),
            arms=ARMS,
            seeds=(0, 1),
            epochs=3,
            chance=0.5,
            device="cpu",
            precision="float32",
        )
    )
    recorder.write(CachesReady(seconds=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), bytes=1))
    order = [(name, seed) for seed in (0, 1) for name in (*ARMS[5::-1], "lp_ft")]
    for name, seed in order[:arms]:
        hits = [True] * RIGHT[name] + [False] * (100 - RIGHT[name])
        recorder.write(
            ArmDone(arm=name, seed=seed, accuracy=RIGHT[name] / 100, hits=pack(hits), seconds=2.0)  # type: ignore[arg-type]
        )
    if finish:
        recorder.write(SweepFinished(seconds=30.0, seconds_by_phase={}, peak_memory_bytes=1))
        assert recorder.summary is not None
        store.end(claim, "finished", summary=recorder.summary)
    elif arms:
        recorder.write(Progress(phase=order[arms][0], done=1, total=4, images_per_second=50.0))
    recorder.close()
    return run


def test_a_finished_sweep_says_what_it_found_and_what_the_advice_was_worth(visitor: str) -> None:
    run = _sweep(visitor, 14, finish=True)
    page = _page("pages/run.py", visitor, run=run, advised="k3")
    assert not page.exception
    words = _words(page)
    assert "All <b>depths</b>" in words
    assert (
        "Depths 1 to 3 and LP-FT cannot be told apart from the best of them (2); the cheapest of them is 3."
        in words
    )
    assert "The advice, depth 3, is 1.0 points behind the best, depth 2" in words
    assert "| 3: up to layer2 **(advised, cheapest)** | 81.0" in words
    assert "| 5: everything |" in words
    assert [one.proto.label for one in page.get("download_button")] == ["CSV", "JSON"]
    assert not [one for one in page.button if one.key == "stop"]
    assert len(page.get("plotly_chart")) == 1


def test_a_running_sweep_says_where_it_is_and_its_owner_can_stop_it(visitor: str) -> None:
    run = _sweep(visitor, 9)
    page = _page("pages/run.py", visitor, run=run)
    assert not page.exception
    (bar,) = page.get("progress")
    assert bar.proto.value == int(100 * (10.25 / 15))
    assert "Depth 3 · seed 2 of 2 · 50 pictures/s · 10 s left" in bar.proto.text.replace("\u00a0", " ")
    assert "So far, with one seed, depths 1 to 3 and LP-FT" in _words(page)
    assert "Dots of seed 2 are shown" in _words(page)
    other = _page("pages/run.py", visitor_cookie.new_visitor(), run=run)
    assert not [one for one in other.button if one.key == "stop"]
    page.button(key="stop").click().run()
    assert service.run(run).state == "stopping"


def test_a_stopped_sweep_keeps_what_it_has_and_can_go_on_or_be_deleted(
    visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _sweep(visitor, 3)
    store = service.open_store()
    with store._transaction() as connection:
        connection.execute("UPDATE runs SET state = 'stopped', claim = NULL WHERE id = ?", (run,))
    page = _page("pages/run.py", visitor, run=run)
    assert "Stopped" in _words(page)
    assert "depths" in _words(page)
    assert [one.proto.label for one in page.get("download_button")] == ["CSV", "JSON"]
    monkeypatch.setattr(service, "_wake", lambda: None)
    page.button(key="resume").click().run()
    assert service.run(run).state == "queued"
    store.stop(run)
    page = _page("pages/run.py", visitor, run=run)
    page.button(key="delete").click().run()
    assert not page.exception
    assert "Nothing here yet" in _words(page)


def test_a_waiting_sweep_keeps_room_for_its_chart(visitor: str) -> None:
    run = service.open_store().add(RunSpec(config=CONFIG, data="digits", title="Later"), visitor)
    page = _page("pages/run.py", visitor, run=run)
    assert not page.exception
    assert not page.get("plotly_chart")
    assert "Waiting" in page.get("progress")[0].proto.text
    service.stop(run)


def test_the_list_of_runs_has_a_line_for_a_sweep_which_can_be_deleted_and_not_compared(visitor: str) -> None:
    run = _sweep(visitor, 14, finish=True)
    page = _page("pages/runs.py", visitor)
    assert not page.exception
    assert "best 82.0 % at depth 2 · depths 1, 3 and LP-FT may be as good · 30.0 s" in _words(page)
    page.checkbox(key=f"pick_{run}").check().run()
    assert "Side by side" not in _words(page)
    page.button(key="delete").click().run()
    assert not page.exception
    assert run not in [one.id for one in service.runs_of(visitor)]


def test_the_layers_page_passes_sweeps_by(visitor: str) -> None:
    run = _sweep(visitor, 14, finish=True)
    page = _page("pages/layers.py", visitor, view="training", run=run, network=f"run:{run}")
    assert not page.exception
    assert "not a single run" in _words(page)
    assert not any(run in str(option) for box in page.selectbox for option in box.options)


def test_downloads_hold_every_figure(visitor: str) -> None:
    from core.runs.kinds.sweep_table import as_csv

    run = _sweep(visitor, 14, finish=True)
    rows = [line.split(",") for line in as_csv(results.sweep_report(run)).splitlines()]
    assert rows[0][-2:] == ["seed_0", "seed_1"]
    assert [row[0] for row in rows[1:]] == list(ARMS)
    assert {row[rows[0].index("accuracy")] for row in rows[1:]} == {str(n / 100) for n in RIGHT.values()}
    whole = json.loads(results.result_path(run).read_text())
    assert len(whole["measurements"]) == 14


def test_a_run_and_its_control_that_are_ticked_together_are_both_deleted(visitor: str) -> None:
    spec = RunSpec(
        config=FinetuneConfig(backbone="tiny_resnet18", strategy="full"), data="digits", title="Digits"
    )
    run = service.open_store().add(spec, visitor, control_spec(spec))
    control = str(service.run(run).control)
    for one in (run, control):
        service.stop(one)
    page = _page("pages/runs.py", visitor)
    page.toggle(key="show_controls").set_value(True).run()
    for one in (run, control):
        page.checkbox(key=f"pick_{one}").check().run()
    page.button(key="delete").click().run()
    assert not page.exception
    assert not page.error
    assert service.runs_of(visitor) == []
