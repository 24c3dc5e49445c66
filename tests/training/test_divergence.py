"""What shows that training diverged, and what a run and a sweep make of it."""

import dataclasses
import math

import numpy as np
import pytest

from core import errors
from core.events import CheckpointReady, Note
from core.training import divergence
from core.training.config import FinetuneConfig
from core.training.events import EpochDone, Finished
from core.training.run import finetune
from core.training.steps import Scores
from core.training.sweep import sweep
from core.training.sweep_config import SweepArm, SweepConfig
from core.training.sweep_events import ArmDone, SweepFinished
from core.training.sweep_report import report

LABELS = np.repeat(np.arange(3), 20)  # chance is a third
GUESS = math.log(3)


@pytest.mark.parametrize(
    ("learned", "checked", "words"),
    [
        ((math.nan, 0.9), (0.1, 0.9), "training loss grew beyond all numbers"),
        ((math.inf, 0.9), (0.1, 0.9), "training loss grew beyond all numbers"),
        ((0.1, 0.9), (math.nan, 0.9), "validation images grew beyond all numbers"),
        ((0.1, 0.9), (math.inf, 0.3), "validation images grew beyond all numbers"),
        ((101 * GUESS, 0.3), (101 * GUESS, 0.4), "nothing is told apart"),
        ((1e30, 0.4), (1.0, 0.33), "grew to 1e+30"),
        # None of these has diverged:
        ((99 * GUESS, 0.3), (99 * GUESS, 0.3), None),  # the first steps of many a run that gets well
        ((5000.0, 0.7), (4000.0, 0.3), None),  # large scores of a classifier that learns
        ((5000.0, 0.3), (4000.0, 0.7), None),  # it has learned by the end of the epoch
        ((0.5, 0.8), (1e8, 0.33), None),  # BatchNorm's statistics lag behind
        ((1.1, 0.33), (1.1, 0.33), None),  # it has not begun to learn
    ],
)
def test_a_loss_without_end_or_a_huge_one_that_tells_nothing_apart(learned, checked, words):
    found = divergence.shown(
        Scores(loss=learned[0], accuracy=learned[1]),
        Scores(loss=checked[0], accuracy=checked[1]),
        train=LABELS,
        validation=LABELS,
        classes=3,
    )
    assert found is None if words is None else words in found


# The head alone bears this rate; it ruins the network once stages thaw.
LATE = {"strategy": "gradual", "epochs": 8, "learning_rate": 10, "warm_up": 0.0}


def test_the_epoch_that_diverges_ends_the_run_with_the_best_before_it(run, without_batch_norm):
    events = run(**LATE, backbone=without_batch_norm)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert 1 <= finished.epochs_done == len(epochs) < 8
    best = max(epochs, key=lambda one: (one.validation_accuracy, -one.validation_loss))
    assert finished.best_epoch == best.epoch
    assert finished.validation_accuracy == best.validation_accuracy
    assert not finished.stopped_early
    assert all(math.isfinite(one.train_loss) and math.isfinite(one.validation_loss) for one in epochs)
    assert np.isfinite(finished.scores).all()
    assert all(np.isfinite(value.numpy()).all() for value in finished.weights.values())
    (said,) = [event.message for event in events if isinstance(event, Note) and "diverged" in event.message]
    assert finished.diverged == said
    assert f"Training diverged in epoch {len(epochs) + 1}: " in said
    assert f"with epoch {best.epoch}, the best before" in said
    assert "choose a smaller learning rate than 10" in said
    assert events.index(next(e for e in events if isinstance(e, Note) and e.message == said)) > events.index(
        epochs[-1]
    )


@pytest.mark.parametrize("epochs", [8, 12])
def test_going_on_with_a_run_that_diverged_ends_it_once_more_with_the_same_result(
    run, dataset, without_batch_norm, epochs
):
    events = run(**LATE, backbone=without_batch_norm)
    state = next(e for e in reversed(events) if isinstance(e, CheckpointReady)).state
    config = FinetuneConfig(**{**events[0].config, "epochs": epochs})
    again = list(finetune(config, dataset, resume=state, backbone=without_batch_norm))[-1]
    assert isinstance(again, Finished)
    assert (again.best_epoch, again.epochs_done) == (events[-1].best_epoch, events[-1].epochs_done)
    assert np.array_equal(again.scores, events[-1].scores)


@pytest.mark.parametrize("strategy", ["full", "scratch", "lp_ft"])
def test_where_the_first_epoch_diverges_nothing_is_left_to_show(run, without_batch_norm, strategy):
    with pytest.raises(errors.RunError, match=r"diverged in its first epoch.*smaller learning rate than 10"):
        run(
            strategy=strategy,
            optimiser="sgd",
            learning_rate=10,
            warm_up=0.0,
            epochs=3,
            backbone=without_batch_norm,
        )


class _Reckless(SweepConfig):
    """A sweep whose arm of depth 1 multiplies its weights by -9 at every step."""

    def run_of(self, arm: SweepArm, **how) -> FinetuneConfig:
        settings = super().run_of(arm, **how)
        fast = {"learning_rate": 10.0, "weight_decay": 1.0, "warm_up": 0.0}
        return dataclasses.replace(settings, **fast) if arm.depth == 1 else settings


def test_an_arm_that_diverges_counts_as_wrong_and_the_sweep_goes_on(dataset, without_batch_norm):
    config = _Reckless(seeds=2, epochs=12, batch_size=8, head="random", lp_ft=False, device="cpu")
    events = list(sweep(config, dataset, backbone=without_batch_norm))
    assert isinstance(events[-1], SweepFinished)
    found = {(one.arm, one.seed): one.accuracy for one in events if isinstance(one, ArmDone)}
    assert set(found) == {(f"k{depth}", seed) for depth in range(4) for seed in (0, 1)}
    assert found["k1", 0] == found["k1", 1] == 0.0
    assert min(value for (arm, _), value in found.items() if arm != "k1") > 0.2
    said = [one.message for one in events if isinstance(one, Note)]
    assert [text for text in said if "depth 1 with seed 0" in text and "no class and count as wrong" in text]
    assert report(events).best != "k1"
