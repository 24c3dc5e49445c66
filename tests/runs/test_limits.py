"""What visitors and runs may use up: defaults, environment, teacher; and what happens to a run beyond them."""

import dataclasses

import pytest

from core import errors
from core.runs.limits import Limits, limits, machine_memory, set_limits
from core.runs.store.runs import Store


def test_the_environment_wins_over_the_default_and_the_teacher_over_both(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits(store) == Limits()
    monkeypatch.setenv("TLL_UPLOAD_DAYS", "3")
    monkeypatch.setenv("TLL_RUNS_PER_VISITOR", "2")
    assert limits(store) == Limits(upload_days=3, runs_per_visitor=2)
    set_limits(store, dataclasses.replace(limits(store), upload_days=30))
    assert limits(store) == Limits(upload_days=30, runs_per_visitor=2)
    monkeypatch.setenv("TLL_RUNS_PER_VISITOR", "4")
    assert limits(store).runs_per_visitor == 4, "what the teacher left alone follows the host"
    set_limits(store, Limits(upload_days=3, runs_per_visitor=4))
    monkeypatch.setenv("TLL_UPLOAD_DAYS", "5")
    assert limits(store).upload_days == 5, "back at the host's own, nothing is kept"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TLL_UPLOAD_DAYS", "two", "TLL_UPLOAD_DAYS must be a whole number"),
        ("TLL_MINUTES_PER_RUN", "0", "Minutes that a run may take at a stretch must lie between 1 and"),
    ],
)
def test_a_wrong_limit_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.SettingsError, match=sentence):
        limits(store)


def test_a_run_may_use_most_of_the_machines_memory_or_what_it_is_given() -> None:
    assert 0 < Limits().memory < machine_memory()
    assert Limits(megabytes_per_run=700).memory == 700_000_000
