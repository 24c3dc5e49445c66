import copy

import numpy as np
import pytest
import torch

from core import errors
from core.events import CheckpointReady, Event, Note
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import BatchDone, EpochDone, Finished, RunStarted
from core.training.run import finetune
from core.words import percent


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def last(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_learns_to_tell_the_classes_apart(run, strategy):
    finished = last(run(strategy=strategy, epochs=6, learning_rate=1e-2))
    assert finished.test.accuracy.value > 0.6  # chance is a third
    assert finished.scores.shape == (30, 3)
    assert np.allclose(finished.scores.sum(axis=1), 1, atol=1e-5)
    assert finished.labels.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    assert finished.seconds > 0
    assert finished.images_per_second > 0


def test_a_run_says_what_happens_in_order(run):
    events = run(strategy="freeze_to_depth", freeze_depth=1, epochs=3, views=2)
    assert [event.kind for event in events if event.kind in ("started", "epoch", "checkpoint", "finished")] == [
        "started", *["epoch", "checkpoint"] * 3, "finished",
    ]  # fmt: skip
    started = only(events, RunStarted)[0]
    assert started.frozen_stages == ("s0",)
    assert started.images == {"train": 42, "validation": 9, "test": 30}
    steps = only(events, BatchDone)
    assert [step.step for step in steps] == list(range(1, 19))
    assert {step.steps for step in steps} == {18}
    assert max(step.learning_rate for step in steps) <= 1e-3


def test_the_given_backbone_and_the_global_random_state_stay_as_they_are(run, pretrained):
    before = copy.deepcopy(pretrained.state_dict())
    state = torch.get_rng_state()
    run(strategy="full", epochs=1, head="mlp")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in pretrained.state_dict().items())


def test_the_same_seed_gives_the_same_run_and_another_seed_another(run):
    first, again, other = (last(run(epochs=2, seed=seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(first.scores, other.scores)


def test_frozen_stages_are_identical_and_the_others_moved(run):
    audit = {row.stage: row for row in last(run(strategy="freeze_to_depth", freeze_depth=2, epochs=2)).audit}
    assert [audit[name].frozen for name in ("s0", "s1", "s2")] == [True, True, False]
    assert audit["s0"].sha256_before == audit["s0"].sha256_after
    assert audit["s1"].parameters_identical
    assert audit["s1"].buffers_identical
    assert audit["s1"].cka == 1.0
    assert not audit["s2"].parameters_identical
    assert audit["s2"].relative_change > 0
    assert audit["s2"].cka < 1


def test_frozen_batch_norm_that_learns_shows_in_the_audit(run):
    events = run(strategy="freeze_to_depth", freeze_depth=2, batch_norm="learning", epochs=1)
    row = last(events).audit[0]
    assert row.frozen
    assert row.parameters_identical
    assert not row.buffers_identical
    assert row.cka < 1


def test_surgical_trains_the_first_stage_and_the_head_alone(run):
    audit = last(run(strategy="surgical", epochs=2)).audit
    assert [row.parameters_identical for row in audit] == [False, True, True]
    assert [row.frozen for row in audit] == [False, True, True]
    assert all(row.buffers_identical for row in audit[1:])


def test_gradual_unfreezing_thaws_from_the_head_to_the_input(run):
    events = run(strategy="gradual", epochs=8)
    assert [epoch.frozen_depth for epoch in only(events, EpochDone)] == [3, 3, 2, 2, 1, 1, 0, 0]
    assert not any(row.frozen for row in last(events).audit)


def test_gradual_unfreezing_finishes_with_the_best_epoch_not_a_mixture(run, without_batch_norm):
    # A rate that ruins the network once its stages thaw, so that an early epoch is the best.
    events = run(strategy="gradual", epochs=8, learning_rate=0.3, warm_up=0.0, backbone=without_batch_norm)
    finished = last(events)
    assert finished.best_epoch <= 4
    # In the first two epochs only the head learns, in the next two also the last stage.
    name = "stages.s0.0.weight"
    assert torch.equal(finished.weights[name], without_batch_norm.state_dict()[name])


def test_a_run_that_diverges_stops_with_a_sentence(run, without_batch_norm):
    with pytest.raises(errors.RunError, match="smaller learning rate"):
        run(
            strategy="full",
            optimiser="sgd",
            learning_rate=10,
            warm_up=0.0,
            epochs=9,
            backbone=without_batch_norm,
        )


def test_scratch_starts_elsewhere_and_matched_statistics_match(run, pretrained):
    from core.training import strategies

    config = FinetuneConfig(strategy="scratch")
    start = strategies.start(config, pretrained)
    weight = pretrained.stages["s2"][0].weight
    assert not torch.equal(start.stages["s2"][0].weight, weight)
    assert torch.equal(start.stages["s2"][1].running_mean, torch.zeros(16))
    matched = strategies.start(FinetuneConfig(strategy="scratch_statistics"), pretrained)
    drawn = matched.stages["s2"][0].weight
    assert not torch.equal(drawn, weight)
    assert drawn.std().item() == pytest.approx(weight.std().item(), rel=0.1)
    again = strategies.start(FinetuneConfig(strategy="scratch_statistics"), pretrained)
    assert torch.equal(again.stages["s2"][0].weight, drawn)


def test_lp_ft_begins_where_the_probe_ends(run):
    probe = only(run(strategy="linear_probe", views=1), EpochDone)[0]
    events = run(strategy="lp_ft", views=1, epochs=1, learning_rate=1e-6)
    assert all(row.buffers_identical for row in last(events).audit)  # or the head would meet other features
    after = only(events, EpochDone)[0]
    assert percent(probe.validation_accuracy) in only(events, Note)[0].message
    assert after.validation_loss == pytest.approx(probe.validation_loss, rel=0.05)


@pytest.mark.usefixtures("float32")
def test_the_best_epoch_is_tested(run, dataset, pretrained):
    events = run(strategy="full", epochs=6, learning_rate=0.05)
    epochs = only(events, EpochDone)
    best = max(epochs, key=lambda one: (one.validation_accuracy, -one.validation_loss))
    finished = last(events)
    assert finished.best_epoch == best.epoch
    assert finished.validation_accuracy == best.validation_accuracy
    # The weights that it hands over give the scores that it reports.
    from core.backbones import stages
    from core.images.normalisation import IMAGENET

    network = copy.deepcopy(pretrained)
    stages.new_head(network, 3, seed=0)
    network.load_state_dict(finished.weights)
    images = torch.from_numpy(dataset.test.images).permute(0, 3, 1, 2)
    from core.images.augmentation import resize

    with torch.no_grad():
        scores = network.eval()(resize(IMAGENET.apply(images), 16)).softmax(dim=1)
    assert np.allclose(scores.numpy(), finished.scores, atol=1e-5)


def test_early_stopping_waits_for_patience_and_says_so(run):
    events = run(strategy="full", epochs=30, patience=2, learning_rate=1e-9)
    finished = last(events)
    assert finished.stopped_early
    assert finished.epochs_done == finished.best_epoch + 2
    assert "Stopped early" in only(events, Note)[-1].message


def test_closing_the_generator_leaves_no_temporary_files(dataset, pretrained, tmp_path, monkeypatch):
    import tempfile

    from core.training import cache

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cache, "MEMORY_SHARE", 0.0)
    config = FinetuneConfig(strategy="freeze_to_depth", freeze_depth=1, epochs=5, views=2, image_size=16)
    events = finetune(config, dataset, backbone=pretrained)
    for event in events:
        if isinstance(event, EpochDone):
            break
    assert len(list(tmp_path.iterdir())) == 2  # training and validation features
    events.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"freeze_depth": 9}, "between 0 and 3"),
        ({"strategy": "full", "batch_size": 1}, "batch size of 2"),
        ({"strategy": "linear_probe", "head": "mlp"}, "linear head"),
        ({"strategy": "linear_probe", "views": 0}, "freeze_to_depth"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(run, settings, words):
    with pytest.raises(errors.SettingsError, match=words):
        run(**settings)


@pytest.mark.parametrize("settings", [
    {"optimiser": "sgd"}, {"optimiser": "rmsprop"}, {"mixup": 0.4, "label_smoothing": 0.1}, {"l2_sp": 0.1},
    {"head": "mlp", "head_width": 32}, {"stage_decay": 0.5}, {"views": 0}, {"views": 1},
    {"batch_size": 1, "freeze_depth": 3, "mixup": 0.1},
])  # fmt: skip
def test_every_setting_trains(run, settings):
    events = run(
        **{"strategy": "freeze_to_depth", "freeze_depth": 1, "epochs": 6, "learning_rate": 5e-3} | settings
    )
    losses = [epoch.train_loss for epoch in only(events, EpochDone)]
    assert losses[-1] < losses[0] or len(losses) == 1


def test_checkpoints_come_as_often_as_asked_and_at_the_end(dataset, pretrained):
    config = FinetuneConfig(strategy="full", epochs=5, image_size=16)
    events = finetune(config, dataset, backbone=pretrained, checkpoint_every=2)
    assert [event.epoch for event in events if isinstance(event, CheckpointReady)] == [2, 4, 5]


def test_l2_sp_keeps_the_weights_near_their_start(run):
    free, held = (
        last(run(strategy="full", epochs=3, l2_sp=strength, optimiser="sgd", learning_rate=0.02)).audit
        for strength in (0.0, 5.0)
    )
    assert all(b.relative_change < 0.7 * a.relative_change for a, b in zip(free, held, strict=True))


def test_a_whole_network_of_the_catalogue_runs(dataset):
    config = FinetuneConfig(
        backbone="tiny_resnet18", strategy="scratch", epochs=1, image_size=32, batch_size=16, views=1
    )
    finished = list(finetune(config, dataset))[-1]
    assert "conv1.weight" in finished.weights
    assert "head.1.weight" in finished.weights
    assert [row.stage for row in finished.audit] == ["stem", "layer1", "layer2", "layer3", "layer4"]
