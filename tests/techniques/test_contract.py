"""The contract that all techniques share: settings, events, means over seeds, and verdicts read from them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from core import errors, events
from core.events import Event, Note, Progress
from core.settings import setting
from core.techniques import catalogue
from core.techniques.events import (
    EVENTS,
    Cloud,
    Clouds,
    Grid,
    Line,
    Lines,
    Panel,
    Pictures,
    Score,
)
from core.techniques.report import Report
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class ToySettings(Settings):
    images: int = setting(10, "How many.", 1, 100)
    rate: float = setting(0.5, "How fast.", 0.0, 1.0)
    kind: Literal["easy", "hard"] = setting("easy", "Which.")
    loud: bool = setting(False, "Whether.")


def toy(**changes: object) -> Technique:
    values = {
        "name": "toy",
        "title": "Toy",
        "question": "Does it?",
        "gist": "It may.",
        "transferred": "features",
        "differs": "task",
        "source": "this",
        "target": "that",
        "quantities": (Quantity(name="accuracy", title="Accuracy"),),
        "arms": tuple(
            Arm(name=name, title=name, role=role, what=name)
            for name, role in (("new", "method"), ("old", "baseline"), ("none", "control"))
        ),
        "verdict": ("new", "old"),
        "settings": ToySettings,
        "papers": (Paper(text="A", url="https://example.org"),),
        "code": ("core.techniques.report:shown",),
    }
    return Technique(**(values | changes))


def scores(arm: str, values: list[float], x: float | None = None, quantity: str = "") -> Iterator[Event]:
    for seed, value in enumerate(values):
        yield Score(arm=arm, seed=seed, value=value, x=x, quantity=quantity)


# --- settings -----------------------------------------------------------------------------------------------


def test_settings_are_read_from_texts() -> None:
    found = toy().settings_of({"images": "20", "rate": "0.25", "kind": "hard", "loud": "true", "seeds": "3"})
    assert found == ToySettings(images=20, rate=0.25, kind="hard", loud=True, seeds=3)
    assert list(found.every_seed) == [0, 1, 2]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"images": "many"}, "must be a number"),
        ({"images": "0"}, "between 1 and 100"),
        ({"rate": "nan"}, "between 0 and 1"),
        ({"kind": "odd"}, "easy, hard"),
        ({"loud": "perhaps"}, "true, false"),
        ({"seeds": "1"}, "between 2 and 20"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_settings_are_one_sentence(texts: dict[str, str], words: str) -> None:
    with pytest.raises(errors.SettingsError, match=words):
        toy().settings_of(texts)


# --- means and verdicts -------------------------------------------------------------------------------------


def test_means_have_t_intervals_over_seeds() -> None:
    values = [0.6, 0.7, 0.65, 0.72]
    found = Report.of(toy(), scores("new", values)).mean("new")
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert Report(technique=toy()).mean("new") is None


def test_the_verdict_pairs_seeds_and_reads_the_sign_from_the_quantity() -> None:
    old = [0.50, 0.70, 0.60, 0.80, 0.55]  # seeds differ far more than arms do
    new = [one + 0.05 + wobble for one, wobble in zip(old, (0, 0.01, -0.01, 0.005, -0.005), strict=True)]
    events = [*scores("new", new), *scores("old", old)]
    helps = Report.of(toy(), events).verdict
    assert helps.judgement == "helps"
    assert helps.gain.value == pytest.approx(0.05)
    assert helps.sentence.startswith("Helps: +5.0 points [")
    assert helps.sentence.endswith("5 seeds")
    error = (Quantity(name="error", title="Error", share=False, higher_is_better=False),)
    hurts = Report.of(toy(quantities=error), events).verdict
    assert hurts.judgement == "hurts"
    assert hurts.gain.value == pytest.approx(-0.05)
    assert "−0.05 [" in hurts.sentence


def test_chance_differences_are_no_difference_and_one_seed_is_too_early() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(200):
        a, b = rng.normal(0.5, 0.03, (2, 5))
        wrong += Report.of(toy(), [*scores("new", a), *scores("old", b)]).verdict.judgement != "no difference"
    assert wrong < 25  # about one in twenty is expected to be wrong
    early = Report.of(toy(), [*scores("new", [0.9]), *scores("old", [0.1])]).verdict
    assert (early.judgement, early.gain) == ("too early", None)


def test_before_the_last_planned_seed_nothing_is_claimed() -> None:
    events = [*scores("new", [0.9, 0.85]), *scores("old", [0.1, 0.08])]
    early = Report.of(toy(), events, seeds=5).verdict
    assert early.judgement == "too early"
    assert early.sentence.startswith("Too early to say (2 of 5 seeds are done): +78.5 points [")
    assert Report.of(toy(), events, seeds=2).verdict.judgement == "helps"


def test_few_seeds_that_agree_to_the_last_digit_do_not_claim_to_be_sure() -> None:
    two = Report.of(toy(), [*scores("new", [0.5, 0.5]), *scores("old", [0.75, 0.75])]).verdict
    assert two.judgement == "too early"
    assert two.sentence.startswith("Too early to say (every seed gave the same difference): −25.0 points")
    same = Report.of(toy(), [*scores("new", [0.5, 0.7]), *scores("old", [0.5, 0.7])]).verdict
    assert same.judgement == "no difference"
    five = Report.of(toy(), [*scores("new", [0.5] * 5), *scores("old", [0.75] * 5)]).verdict
    assert five.judgement == "hurts"


def test_with_an_axis_only_whole_seeds_are_compared() -> None:
    """The second seed has not reached the hard place yet: its mean over places would look better."""
    technique = toy(axis=Axis(title="Images"))
    report = Report.of(
        technique,
        [
            *scores("new", [0.5, 0.5], x=1),
            *scores("new", [0.9], x=10),
            *scores("old", [0.4, 0.4], x=1),
            *scores("old", [0.8], x=10),
        ],
    )
    assert report.values("new") == {0: pytest.approx(0.7)}
    assert report.values("new", x=1) == {0: 0.5, 1: 0.5}
    assert report.places() == [1, 10]


def test_quantities_are_kept_apart() -> None:
    technique = toy(quantities=(Quantity(name="a", title="A"), Quantity(name="b", title="B")))
    report = Report.of(technique, [*scores("new", [0.1]), *scores("new", [0.9], quantity="b")])
    assert report.values("new") == report.values("new", "a") == {0: 0.1}
    assert report.values("new", "b") == {0: 0.9}


def test_an_arm_that_is_none_is_a_defect_said_at_once() -> None:
    with pytest.raises(errors.SettingsError, match="arm must be one of new, old, none"):
        Report.of(toy(), scores("newest", [0.5]))
    with pytest.raises(errors.SettingsError):
        toy(verdict=("new", "older"))


# --- events -------------------------------------------------------------------------------------------------


def panel(drawing: object) -> Panel:
    return Panel(name="p", title="t", caption="c", drawing=drawing)


@pytest.mark.parametrize(
    "event",
    [
        Progress(done=0.5, phase="half"),
        Score(arm="new", seed=1, value=0.5, x=2.0),
        Note(message="so"),
        panel(Lines(x_title="x", y_title="y", lines=(Line(name="l", colour="method", x=[1], y=[2]),))),
        panel(Clouds(plots=(("before", (Cloud(name="s", colour="gold", points=[(1, 2)], symbols=[3]),)),))),
        panel(Grid(rows=("a",), columns=("b", "c"), values=[[1.0, 2.0]], share=True)),
    ],
)
def test_events_survive_the_way_through_json(event: Event) -> None:
    once = json.loads(json.dumps(event.to_json()))
    again = events.read(once, EVENTS)
    assert again is not None
    assert json.loads(json.dumps(again.to_json())) == once
    assert type(again) is type(event)


def test_pictures_survive_the_way_through_json() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    shown = panel(Pictures(pictures=(picture,), captions=("a",)))
    found = events.read(json.loads(json.dumps(shown.to_json())), EVENTS)
    assert isinstance(found, Panel)
    np.testing.assert_array_equal(found.drawing.pictures[0], picture)
    assert found.drawing.pictures[0].dtype == np.uint8


# --- every technique ----------------------------------------------------------------------------------------

ALL = [entry for technique in catalogue.techniques().values() for entry in (technique, *technique.variants)]


@pytest.mark.parametrize("technique", ALL, ids=lambda entry: f"{entry.name}-{entry.module}")
def test_every_technique_is_complete(technique: Technique) -> None:
    roles = {arm.role for arm in technique.arms}
    assert {"method", "baseline"} <= roles
    assert "control" in roles
    assert technique.settings().seeds >= 5
    assert technique.arm(technique.verdict[0]).role == "method"
    assert technique.arm(technique.verdict[1]).role == "baseline"
    assert technique.question.endswith("?")
    assert technique.papers
    assert all(paper.url.startswith("https://") for paper in technique.papers)
    assert all(len(arm.title) <= 32 for arm in technique.arms)
    for source in technique.sources().values():
        assert "def " in source or "class " in source


def test_the_table_of_techniques_loads_without_torch_and_scikit_learn() -> None:
    code = (
        "import sys; from core.techniques import catalogue; catalogue.techniques(); "
        "sys.exit(bool({'torch', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_technique_is_refused_in_a_sentence() -> None:
    with pytest.raises(errors.SettingsError, match="technique must be one of"):
        catalogue.technique("telepathy")


def test_a_technique_whose_package_is_missing_is_an_error_and_not_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "NAMES", (*catalogue.NAMES, "not-there"))
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        catalogue.techniques.__wrapped__()
