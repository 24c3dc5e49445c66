"""A run whose training diverged, on its page: said above the accuracy, which is that of the best epoch before."""

from pathlib import Path

import pytest
import streamlit as st
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
from widgets import visitor_cookie

# The rate rises from epoch to epoch; with this pull towards zero, weights soon change sign and grow at every step.
RECKLESS = FinetuneConfig(
    backbone="tiny_resnet18",
    learning_rate=10.0,
    weight_decay=1.0,
    warm_up=0.9,
    epochs=12,
    batch_size=4,
    per_class=10,
    image_size=32,
    device="cpu",
)


def test_what_ended_the_run_stands_above_its_accuracy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "start", lambda: None)  # the test works on the queue
    monkeypatch.setattr(st, "page_link", lambda _page, *, label, **_: st.markdown(label))
    visitor = visitor_cookie.new_visitor()
    store = service.open_store()
    spec = RunSpec(config=RECKLESS, data="lfw-faces", title="Far too fast")
    run = store.add(spec, visitor)
    claim = store.claim(TRAINING, slots=99)
    assert claim is not None
    kind = table.kind(spec)
    recorder = Recorder(run_directory(service.home(), run), kind, spec)
    for event in kind.events(Work(config=RECKLESS, dataset=data.open_data(spec, store))):
        recorder.write(event)
    recorder.close()
    assert recorder.summary is not None
    store.end(claim, "finished", summary=recorder.summary)
    result = results.result(run)
    assert result.diverged is not None
    assert result.epochs_done < 12

    page = AppTest.from_file(str(Path(streamlit_app.__file__).parent / "pages/run.py"), default_timeout=60)
    page.session_state["visitor"] = visitor
    page.query_params["run"] = run
    page.run()
    assert not page.exception
    assert [one.value.replace("\\", "") for one in page.warning] == [result.diverged]
    assert page.metric[0].value == f"{100 * result.test.accuracy.value:.1f} %"
