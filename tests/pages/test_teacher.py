"""The teacher's page by itself: closed, opened, and what it does; and what owners and guests see of a run."""

import secrets
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import streamlit_app
from core import errors
from core.runs import service, teacher
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import RunSpec
from core.runs.store.runs import NO_RUN
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from widgets import visitor_cookie
from widgets.runs import follow
from widgets.runs.state import PAUSED
from widgets.runs.visible import GUEST
from widgets.teacher import machine, sign_in

PROJECT = Path(streamlit_app.__file__).parent
SECRET = "tangerine dream 1984"
OWNER, GUEST_ID = visitor_cookie.new_visitor(), visitor_cookie.new_visitor()
DIGITS = RunSpec(config=FinetuneConfig(epochs=2), data="digits", title="Handwritten digits: all")
OWN = RunSpec(config=FinetuneConfig(), data="upload:of-anna", title="Photos of Anna Li: 3 of 5 stages frozen")


@pytest.fixture(autouse=True)
def _teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLL_TEACHER_SECRET", SECRET)
    monkeypatch.setattr(teacher.door, "_wrong", type(teacher.door._wrong)())
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue: the tests do
    # A page by itself knows no other pages to link to.
    monkeypatch.setattr(st, "page_link", lambda _page, *, label, **_: st.markdown(label))


def _page(name: str, visitor: str = OWNER, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / name), default_timeout=60)
    page.session_state["visitor"] = visitor
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def _words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.title, page.error, page.warning, page.info, page.success)
    bars = [one.proto.text for one in page.get("progress")]
    return "\n".join([*(one.value for kind in kinds for one in kind), *bars]).replace("\\", "")


def _enter(page: AppTest, secret: str) -> AppTest:
    page.text_input(key="teacher_secret").set_value(secret)
    return page.button(key="teacher_enter").click().run()


def _open() -> AppTest:
    page = _enter(_page("pages/teacher.py"), SECRET)
    assert not page.exception
    return page


@pytest.mark.parametrize("value", ["", "short"])
def test_without_a_secret_the_page_says_what_the_operator_does(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_TEACHER_SECRET", value)
    page = _page("pages/teacher.py")
    assert not page.exception
    (error,) = page.error
    assert "TLL_TEACHER_SECRET" in error.value
    assert "at least 12" in error.value or "fewer than 12" in error.value
    assert not page.text_input


def test_wrong_secrets_show_nothing_and_the_right_one_gets_in_after_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(teacher.door, "_sleep", waits.append)
    monkeypatch.setattr(teacher.door, "_clock", lambda: 0.0)  # all within the minute that is looked back on
    page = _page("pages/teacher.py")
    service.open_store().add(DIGITS, OWNER)
    for _ in range(5):
        _enter(page, "wrong")
        assert page.error[0].value == "That is not the secret."
        assert not page.metric
        assert "Handwritten" not in _words(page)
    _enter(page, SECRET)
    assert waits == [0.5, 1.0, 2.0]
    assert page.metric
    assert SECRET not in _words(page)


def test_a_browser_cannot_claim_to_be_signed_in() -> None:
    page = AppTest.from_file(str(PROJECT / "pages" / "teacher.py"), default_timeout=60)
    page.session_state["teachers_pass"] = True
    page.run()
    assert not page.metric
    assert page.text_input(key="teacher_secret")


def test_another_browser_that_takes_the_session_over_is_not_signed_in() -> None:
    """Streamlit gives a session with all it holds to whoever names its id, whatever cookies they have."""
    page = _open()
    page.session_state["visitor"] = GUEST_ID
    page.run()
    assert not page.metric
    assert page.text_input(key="teacher_secret")


def test_signing_out_closes_the_page() -> None:
    page = _open()
    assert page.metric
    page.button(key="teacher_out").click().run()
    assert not page.metric
    assert page.text_input(key="teacher_secret").value == ""


def test_signing_out_in_one_tab_closes_the_others_and_other_browsers() -> None:
    here, tab = _open(), _open()
    elsewhere = _enter(_page("pages/teacher.py", visitor=GUEST_ID), SECRET)
    assert elsewhere.metric
    here.button(key="teacher_out").click().run()
    for page in (here, tab, elsewhere):
        page.run()
        assert not page.metric
        assert page.text_input(key="teacher_secret")


def test_the_page_is_in_the_navigation_only_for_who_is_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, str] = {}
    real = st.Page

    def noted(*args: object, **more: object) -> object:
        shown[str(more["url_path"])] = str(more["visibility"])
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "Page", noted)
    _page("widgets/session.py")
    assert shown["teacher"] == "hidden"
    assert shown["runs"] == "visible"
    page = AppTest.from_file(str(PROJECT / "widgets" / "session.py"), default_timeout=60)
    page.session_state["visitor"] = OWNER
    page.session_state["teachers_pass"] = sign_in._Pass(visitor=OWNER, given=teacher.door._opened)
    page.run()
    assert shown["teacher"] == "visible"


def test_the_queue_tells_titles_and_animals_but_nobodys_name_id_or_files() -> None:
    store = service.open_store()
    ids = [store.add(DIGITS, OWNER, control_spec(DIGITS)), store.add(OWN, GUEST_ID)]
    page = _open()
    words = _words(page)
    assert "Handwritten digits: all" in words
    assert "Own pictures: 3 of 5 stages frozen" in words
    for visitor in (OWNER, GUEST_ID):
        assert service.known_as(visitor).capitalize() in words
        assert visitor not in words
    assert "Anna" not in words
    keys = " ".join(one.key or "" for one in page.button)
    assert not any(run in words or run in keys for run in ids)
    assert [one.value for one in page.metric][:3] == ["3", "0", "2"]
    owners = _words(_page("pages/runs.py"))
    assert f"you are the **{service.known_as(OWNER)}**" in owners


def test_a_pause_holds_the_queue_and_visitors_read_of_it() -> None:
    run = service.open_store().add(DIGITS, OWNER)
    page = _open()
    page.button(key="teacher_pause").click().run()
    assert service.paused()
    assert service.open_store().claim(TRAINING) is None
    assert PAUSED in _words(_page("pages/run.py", run=run))
    assert "Waiting ·" in _words(_page("pages/runs.py")), "as the run's own page calls it"
    page.button(key="teacher_unpause").click().run()
    assert not service.paused()
    assert "Begins in a moment" in _words(_page("pages/run.py", run=run))


def test_a_stop_reaches_anybodys_run_and_its_owner_reads_whose_it_was() -> None:
    run = service.open_store().add(DIGITS, OWNER)
    page = _open()
    (button,) = [one for one in page.button if (one.key or "").startswith("teacher_stop_")]
    button.click().run()
    assert service.run(run).state == "stopped"
    owners = _page("pages/run.py", run=run)
    assert "Stopped by the teacher" in _words(owners)
    owners.button(key="resume").click().run()
    assert service.run(run).state == "queued"
    assert "Stopped by the teacher" not in _words(_page("pages/run.py", run=run))


def test_the_whole_list_is_seen_and_all_of_one_visitor_or_network_is_stopped_at_once() -> None:
    invented = [visitor_cookie.new_visitor() for _ in range(30)]
    runs = [service.submit(DIGITS, one, control=False, address="203.0.113.5") for one in invented]
    mine = [service.submit(DIGITS, OWNER, control=False, address="198.51.100.9") for _ in range(2)]
    page = _open()
    assert "… and 12 more" in _words(page)
    whole = next(one for one in page.expander if "whole list" in one.label)
    assert not whole.get("arrow_data_frame"), "a list that nobody looks at costs nothing"
    page.session_state["teacher_whole"] = True
    page.run()
    (table,) = page.dataframe
    assert list(table.value["Place"]) == list(range(1, 33))
    assert table.value["From"].nunique() == 2
    assert not any(one in table.value.to_string() for one in (*invented, OWNER, *runs, "203.0.113"))
    choice = page.selectbox(key="teacher_stop_whose")
    assert choice.options[0].endswith(tuple("0123456789"))
    assert "network" in choice.options[0], "who takes most places comes first"
    choice.select(choice.options[0])
    page.run()
    page.button(key="teacher_stop_all").click().run()
    assert not page.exception
    assert {service.run(run).state for run in runs} == {"stopped"}
    assert {service.run(run).state for run in mine} == {"queued"}
    page.selectbox(key="teacher_stop_whose").select(service.known_as(OWNER).capitalize()).run()
    page.button(key="teacher_stop_all").click().run()
    assert {service.run(run).state for run in mine} == {"stopped"}
    assert "Nobody waits." in _words(page)


def test_a_stopped_run_does_not_speak_of_the_control_that_another_run_shares_with_it() -> None:
    store, control = service.open_store(), control_spec(DIGITS)
    stopped, other = store.add(DIGITS, OWNER, control), store.add(DIGITS, OWNER, control)
    assert store.run(stopped).control == store.run(other).control
    service.stop(stopped, why=teacher.STOPPED)
    page = _page("pages/run.py", run=stopped)
    assert not page.exception
    assert "Stopped by the teacher" in _words(page)
    assert "from scratch" not in _words(page)


def test_the_disk_is_full_when_nothing_is_free_for_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage("/"))(100 * 10**9, 40 * 10**9, 0)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    page = _open()
    (disk,) = [one.proto for one in page.get("progress") if "free" in one.proto.text]
    assert disk.value == 100
    assert disk.text == "40.0\u00a0GB of 40.0\u00a0GB in use, 0\u00a0MB free"


def test_a_page_that_stands_open_all_day_remembers_the_newest_logs_alone() -> None:
    store = service.open_store()
    runs = [store.add(DIGITS, OWNER) for _ in range(2 * follow.MOST)]

    def watch(runs: list[str]) -> None:
        import streamlit as st

        from core.runs import service
        from widgets.runs.follow import follow

        for run in runs:
            st.session_state["first"] = follow(service.run(runs[0]))
            follow(service.run(run))

    page = AppTest.from_function(watch, args=(runs,)).run()
    assert not page.exception
    first, kept = page.session_state["first"], page.session_state["followed"]
    assert len(kept) == follow.MOST
    assert page.run().session_state["first"] is first, "what is watched all the time is read on, not anew"


def test_limits_are_set_and_a_wrong_one_changes_nothing() -> None:
    page = _open()
    page.number_input(key="limit_runs_per_visitor").set_value(2)
    page.number_input(key="limit_upload_days").set_value(3)
    page.button(key="teacher_set").click().run()
    assert not page.error
    assert "They hold from now on" in _words(page)
    assert (service.limits().runs_per_visitor, service.limits().upload_days) == (2, 3)
    page.number_input(key="limit_runs_per_visitor").set_value(0)
    page.number_input(key="limit_upload_days").set_value(30)
    page.button(key="teacher_set").click().run()
    assert [one.value for one in page.error] == [
        "Runs of one visitor, waiting or running must lie between 1 and 100; it is 0."
    ]
    assert (service.limits().runs_per_visitor, service.limits().upload_days) == (2, 3)


# --- what owners and guests see of a run ----------------------------------------------------------------


def test_whoever_waits_reads_in_how_many_minutes_their_run_begins() -> None:
    store = service.open_store()
    ahead = store.add(DIGITS, GUEST_ID)
    run = store.add(DIGITS, OWNER)
    words = _words(_page("pages/run.py", run=run))
    assert "nobody can say the length of" in words, "nothing was measured yet, and nothing expected"
    claim = store.claim(TRAINING)
    assert claim is not None
    assert claim.run == ahead
    store.end(claim, "finished", summary={"accuracy": 1.0})
    with store._transaction() as connection:
        connection.execute("UPDATE runs SET started = finished - 130 WHERE id = ?", (ahead,))
    store.add(DIGITS, GUEST_ID)
    late = store.add(DIGITS, visitor_cookie.new_visitor())
    behind = store.run(late).position
    assert behind is not None
    seen = _words(_page("pages/run.py", visitor=store.run(late).visitor, run=late))
    assert f"Begins in about {130 * (behind - 1) / 60:.0f} min" in seen
    everything = 130 * 3 / 60
    assert f"All of it, controls included, is done in about {everything:.0f} min" in _words(_open())


@pytest.mark.parametrize("kind", ["finetune", "sweep"])
def test_a_shared_run_is_read_only_and_gone_when_it_is_withdrawn(kind: str) -> None:
    sweep = RunSpec(config=SweepConfig(seeds=2), data="digits", title="Handwritten digits: every depth")
    spec = sweep if kind == "sweep" else DIGITS
    run = service.open_store().add(spec, OWNER)
    refused = _page("pages/run.py", visitor=GUEST_ID, run=run)
    assert [one.value for one in refused.error] == [NO_RUN]
    assert spec.title not in _words(refused)
    owners = _page("pages/run.py", run=run)
    owners.button(key="share_make").click().run()
    token = service.run(run).share
    assert token is not None
    assert f"?run={token}" in [one.value for one in owners.code]
    guest = _page("pages/run.py", visitor=GUEST_ID, run=token)
    assert not guest.exception
    assert spec.title in _words(guest)
    assert GUEST in _words(guest)
    assert not guest.button
    assert GUEST not in _words(_page("pages/run.py", run=token)), "the owner's own link is the owner's"
    assert "Nothing here yet." in _words(_page("pages/runs.py", visitor=GUEST_ID))
    owners.button(key="share_stop").click().run()
    guest.run()
    assert [one.value for one in guest.error] == [NO_RUN]
    assert spec.title not in _words(guest)


def test_a_thousand_guesses_open_nothing_and_ids_are_drawn_from_128_bits() -> None:
    store = service.open_store()
    runs = [store.add(DIGITS, OWNER) for _ in range(100)]
    addresses = [*runs, *(store.set_share(run, True) or "" for run in runs)]
    assert len(set(addresses)) == 200
    assert {len(one) for one in addresses} == {22}, "secrets.token_urlsafe(16): 16 bytes in 22 signs"
    drawn = np.array([list(one[:-1]) for one in addresses])  # the last sign holds two bits alone
    # Every place of every address varies freely: 200 draws from 64 signs hit about 61 of them.
    assert min(len(set(place)) for place in drawn.T) > 48
    guesses = [secrets.token_urlsafe(16) for _ in range(1000)]
    guesses += [one[:-1] + "A" for one in addresses if not one.endswith("A")]
    for guess in guesses:
        with pytest.raises(errors.RunError, match="There is no run with this address"):
            service.readable(guess, GUEST_ID)
