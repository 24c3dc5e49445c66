"""The frame of an experiment: seeds one after the other, and how far the whole is."""

import pytest

from core.events import Note, Progress
from core.techniques import catalogue
from core.techniques.events import Score
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within, working
from core.techniques.technique import Settings


def two_steps(seed: int) -> Events:
    for place, arm in enumerate(("source", "dann")):
        yield from within(place / 2, (place + 1) / 2, working(arm, (0.1, 0.7, 1.0)))
        yield Score(arm=arm, seed=seed, value=seed / 10)


def test_every_seed_is_told_by_its_number_and_the_share_never_goes_back() -> None:
    settings = Settings(seeds=7, first_seed=40)
    events = list(each_seed(settings, two_steps, begin=0.15, end=0.9))
    progress = [event for event in events if isinstance(event, Progress)]
    shares = [event.done for event in progress]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.15 + 0.75 * 0.1 / 14)
    assert shares[-1] == 0.9
    assert [event.phase for event in progress[:4]] == ["Seed 1 of 7: source"] * 3 + ["Seed 1 of 7: dann"]
    assert progress[-1].phase == "Seed 7 of 7: dann"


def test_the_report_has_taken_every_score_before_it_is_passed_on() -> None:
    report = Report(technique=catalogue.technique("adversarial"))
    for event in each_seed(Settings(seeds=2), two_steps, report):
        if isinstance(event, Score):
            assert report.scores[-1] is event
    assert report.values("dann") == {0: 0.0, 1: 0.1}


def test_what_is_no_progress_stays_as_it_is_and_the_result_comes_back() -> None:
    note = Note(message="half")

    def work():
        yield Progress(phase="reading", done=5, total=10)
        yield note
        return 42

    results = []

    def outer():
        results.append((yield from within(0.2, 0.4, work(), "MNIST: ")))

    first, second = outer()
    assert (first.phase, first.done, first.total) == ("MNIST: reading", pytest.approx(0.3), 1.0)
    assert second is note
    assert results == [42]
