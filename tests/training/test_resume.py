"""Stopped, resumed and extended runs equal uninterrupted ones, bit for bit, also through a file."""

import io

import numpy as np
import pytest
import torch

from core import errors
from core.events import CheckpointReady, Event
from core.training.config import FinetuneConfig
from core.training.events import BatchDone, EpochDone, Finished
from core.training.run import finetune


def checkpoint_after(events: list[Event], epoch: int) -> dict:
    """The state after ``epoch``, written to a file and read back as the job room does."""
    state = next(e.state for e in events if isinstance(e, CheckpointReady) and e.epoch == epoch)
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def assert_same(a: list[Event], b: list[Event]) -> None:
    """Same losses in the epochs that both have, same weights, same scores."""
    losses_a, losses_b = (
        {
            e.epoch: (e.train_loss, e.validation_loss, e.validation_accuracy)
            for e in events
            if isinstance(e, EpochDone)
        }
        for events in (a, b)
    )
    assert all(losses_a[epoch] == losses_b[epoch] for epoch in losses_a.keys() & losses_b.keys())
    first, second = a[-1], b[-1]
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert (first.best_epoch, first.epochs_done) == (second.best_epoch, second.epochs_done)
    assert first.weights.keys() == second.weights.keys()
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert np.array_equal(first.scores, second.scores)
    assert [row.sha256_after for row in first.audit] == [row.sha256_after for row in second.audit]
    assert [row.cka for row in first.audit] == [row.cka for row in second.audit]


HARD = {"head": "mlp", "mixup": 0.2, "learning_rate": 5e-3, "l2_sp": 0.01, "label_smoothing": 0.1}


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "freeze_to_depth", "freeze_depth": 2, "views": 3, **HARD},
        {"strategy": "full", "views": 0, **HARD},
        {"strategy": "gradual", **HARD},
        {"strategy": "lp_ft", "optimiser": "sgd"},
        {"strategy": "surgical", "optimiser": "rmsprop"},
        {"strategy": "freeze_to_depth", "freeze_depth": 2, "batch_norm": "learning"},
        {"strategy": "scratch_statistics", "optimiser": "sgd", "learning_rate": 0.05},
    ],
    ids=lambda settings: settings["strategy"],
)
def test_a_resumed_run_equals_an_uninterrupted_one(run, settings):
    whole = run(epochs=5, **settings)
    resumed = run(epochs=5, **settings, resume=checkpoint_after(whole, 2))
    assert [e.epoch for e in resumed if isinstance(e, EpochDone)] == [3, 4, 5]
    assert_same(whole, resumed)


def test_a_run_that_was_really_stopped_goes_on_as_if_it_had_not_been(run, dataset, pretrained):
    settings = {"strategy": "freeze_to_depth", "freeze_depth": 1, "epochs": 4, "views": 2, "image_size": 16}
    config = FinetuneConfig(**settings, batch_size=8, device="cpu")
    seen: list[Event] = []
    events = finetune(config, dataset, backbone=pretrained)
    for event in events:
        seen.append(event)
        if isinstance(event, BatchDone) and event.step == 15:  # in the middle of the third epoch
            break
    events.close()
    whole = run(**settings)
    assert_same(whole, run(**settings, resume=checkpoint_after(seen, 2)))


def test_the_best_epoch_may_lie_before_the_stop(run):
    # The rate wrecks the network after a good beginning.
    settings = {"strategy": "full", "epochs": 6, "learning_rate": 2.0, "warm_up": 0.9, "optimiser": "sgd"}
    whole = run(**settings)
    assert whole[-1].best_epoch <= 4
    assert_same(whole, run(**settings, resume=checkpoint_after(whole, 4)))


def test_extending_does_not_depend_on_when_it_is_asked_for(run):
    settings = {"strategy": "full", "learning_rate": 5e-3}
    short = run(epochs=3, **settings)
    early = run(epochs=5, **settings, resume=checkpoint_after(short, 1))
    late = run(epochs=5, **settings, resume=checkpoint_after(short, 3))
    assert_same(early, late)
    assert early[-1].epochs_done == 5
    # A resumed extension is the same one, not an extension of the extension.
    assert_same(late, run(epochs=5, **settings, resume=checkpoint_after(late, 4)))


def test_an_extension_begins_with_a_warm_restart(run):
    settings = {"strategy": "full", "learning_rate": 5e-3, "warm_up": 0.0}
    short = run(epochs=2, **settings)
    longer = run(epochs=4, **settings, resume=checkpoint_after(short, 2))
    rates = [e.learning_rate for e in short if isinstance(e, BatchDone)]
    more = [e.learning_rate for e in longer if isinstance(e, BatchDone)]
    assert more == rates


def test_ending_a_stopped_run_tests_what_it_has(run):
    whole = run(strategy="full", epochs=5)
    ended = run(strategy="full", epochs=2, resume=checkpoint_after(whole, 2))
    assert ended[-1].epochs_done == 2
    assert not [e for e in ended if isinstance(e, EpochDone)]
    # It can still go on later, to the same end.
    further = run(strategy="full", epochs=3, resume=checkpoint_after(whole, 2))
    assert_same(whole, run(strategy="full", epochs=5, resume=checkpoint_after(further, 3)))


def test_a_solved_probe_is_only_tested_again(run):
    whole = run(strategy="linear_probe")
    again = run(strategy="linear_probe", resume=checkpoint_after(whole, 1))
    assert_same(whole, again)
    assert not [e for e in again if isinstance(e, EpochDone)]


def test_a_checkpoint_leaves_out_what_never_learns(run):
    whole = run(strategy="freeze_to_depth", freeze_depth=2, epochs=1)
    names = checkpoint_after(whole, 1)["weights"]
    assert "stages.s2.0.weight" in names
    assert "stages.s0.0.weight" not in names
    assert "stages.s0.1.running_mean" in names


def test_a_checkpoint_of_another_run_is_refused(run, without_batch_norm, dataset, pretrained):
    state = checkpoint_after(run(strategy="full", epochs=2), 2)
    with pytest.raises(errors.RunError, match="seed = 0, not 1"):
        run(strategy="full", epochs=2, seed=1, resume=state)
    with pytest.raises(errors.RunError, match="already done 2 epochs"):
        run(strategy="full", epochs=1, resume=state)
    with pytest.raises(errors.RunError, match="weights that this run started from"):
        run(strategy="full", epochs=2, resume=state, backbone=without_batch_norm)
    with pytest.raises(errors.RunError, match="images have changed"):
        run(strategy="full", epochs=2, resume={**state, "data": "others"})
    with pytest.raises(errors.RunError, match="another version"):
        run(strategy="full", epochs=2, resume={**state, "format": 0})
