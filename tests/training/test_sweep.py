import copy

import numpy as np
import pytest
import torch

from core import errors
from core.datasets.dataset import ImageDataset
from core.events import Event
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.run import finetune
from core.training.sweep import draw, sweep
from core.training.sweep_config import LP_FT, SweepArm, SweepConfig, epochs_for
from core.training.sweep_events import ArmDone, ArmDropped, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_report import lost, pack, unpack
from tests.training.conftest import make_part

SETTINGS = {"image_size": 16, "batch_size": 8, "epochs": 3, "seeds": 2, "device": "cpu"}


def of(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def events(dataset, pretrained) -> list[Event]:
    return list(sweep(SweepConfig(**SETTINGS), dataset, backbone=pretrained))


def test_a_sweep_measures_every_arm_with_every_seed_the_cheapest_first(events):
    started = of(events, SweepStarted)[0]
    assert started.arms == ("k0", "k1", "k2", "k3", "lp_ft")
    assert started.images == {"train": 51, "test": 30}
    assert started.chance == pytest.approx(1 / 3)
    order = [(one.seed, one.arm) for one in of(events, ArmDone)]
    assert order == [(seed, arm) for seed in (0, 1) for arm in ("k3", "k2", "k1", "k0", "lp_ft")]
    assert isinstance(events[-1], SweepFinished)
    assert of(events, CachesReady)[0].seconds[0] == 0
    for one in of(events, ArmDone):
        assert unpack(one.hits, 30).mean() == pytest.approx(one.accuracy)


def test_the_given_network_and_the_global_random_state_stay_as_they_are(dataset, pretrained):
    before, state = copy.deepcopy(pretrained.state_dict()), torch.get_rng_state()
    list(sweep(SweepConfig(**SETTINGS | {"seeds": 1}), dataset, backbone=pretrained))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in pretrained.state_dict().items())


@pytest.mark.parametrize("name", ["k0", "k2", "k3"])
def test_an_arm_is_as_good_as_the_single_run_that_it_stands_for(dataset, pretrained, name):
    # Not equal: a run sets images aside to choose an epoch on, a sweep learns from all and keeps the last epoch.
    arm = SweepArm.named(name)
    config = SweepConfig(**SETTINGS | {"seeds": 1, "epochs": 12, "lp_ft": False})
    swept = {one.arm: one for one in of(list(sweep(config, dataset, backbone=pretrained)), ArmDone)}
    run = config.run_of(arm, seed=0, epochs=12, stages=3, image_size=16, probe_head=False)
    single = next(
        event for event in finetune(run, dataset, backbone=pretrained) if isinstance(event, Finished)
    )
    assert swept[name].accuracy == pytest.approx(single.test.accuracy.value, abs=0.2)
    assert swept[name].accuracy > 0.6  # chance is a third


def test_frozen_stages_of_an_arm_do_not_depend_on_the_arms_before_it(events, dataset, pretrained):
    resumed = [one for one in of(events, ArmDone) if one.seed == 0 and one.arm != "k0"]
    again = of(
        list(sweep(SweepConfig(**SETTINGS | {"seeds": 1}), dataset, backbone=pretrained, done=resumed)),
        ArmDone,
    )
    assert [one.arm for one in again] == ["k0"]
    first = next(one for one in of(events, ArmDone) if (one.arm, one.seed) == ("k0", 0))
    assert again[0].hits == first.hits


def test_a_resumed_sweep_gives_what_an_undisturbed_one_gives(events, dataset, pretrained):
    done = of(events, ArmDone)
    rest = of(list(sweep(SweepConfig(**SETTINGS), dataset, backbone=pretrained, done=done[:3])), ArmDone)
    assert [(one.arm, one.seed, one.hits) for one in rest] == [
        (one.arm, one.seed, one.hits) for one in done[3:]
    ]


def test_a_network_without_normalisation_starts_every_head_from_the_probe(dataset, without_batch_norm):
    config = SweepConfig(**SETTINGS | {"seeds": 1})
    found = list(sweep(config, dataset, backbone=without_batch_norm))
    assert of(found, SweepStarted)[0].arms == ("k0", "k1", "k2", "k3")  # depth 0 is LP-FT itself
    accuracy = {one.arm: one.accuracy for one in of(found, ArmDone)}
    gentle = list(
        sweep(SweepConfig(**SETTINGS | {"seeds": 1, "epochs": 1}), dataset, backbone=without_batch_norm)
    )
    probe = {one.arm: one.hits for one in of(gentle, ArmDone)}
    # One gentle epoch from the probe's own solution hardly moves away from it.
    assert np.mean(unpack(probe["k2"], 30) == unpack(probe["k3"], 30)) > 0.8
    assert accuracy["k3"] > 0.5


def test_images_are_drawn_by_seed_and_a_larger_draw_holds_the_smaller_one():
    labels = make_part(17, seed=0).labels
    few, more, all_of_them = (set(draw(labels, n, seed=3)) for n in (4, 9, None))
    assert few < more < all_of_them
    assert len(few) == 12
    assert len(all_of_them) == 51
    assert set(draw(labels, 4, seed=4)) != few


def test_a_set_without_a_test_part_gets_one_that_no_seed_learns_from(dataset, pretrained):
    whole = ImageDataset(
        name="whole",
        title="",
        class_names=dataset.class_names,
        train=dataset.train,
        test=None,
        fingerprint="x",
    )
    started = of(list(sweep(SweepConfig(**SETTINGS), whole, backbone=pretrained)), SweepStarted)[0]
    assert started.images["train"] + started.images["test"] == 51
    assert started.images["test"] == 12


def test_racing_drops_what_has_clearly_lost_and_nothing_else():
    right, half = np.ones(40, dtype=bool), np.arange(40) % 2 == 0
    almost = right.copy()
    almost[:2] = False
    measured = [
        ArmDone(arm=name, seed=0, accuracy=float(hits.mean()), hits=pack(hits), seconds=1.0)
        for name, hits in (("k0", right), ("k1", half), ("k2", almost))
    ]
    found = lost(measured, ["k0", "k1", "k2"], 40)
    assert [(one.arm, one.behind) for one in found] == [("k1", "k0")]
    assert found[0].p_value == pytest.approx(2 * 0.5**20)


def test_a_racing_sweep_trains_what_lost_no_further(dataset, pretrained):
    # A head on one frozen random feature cannot win against training everything for long enough.
    config = SweepConfig(**SETTINGS | {"seeds": 3, "racing": True, "epochs": 1})
    found = list(sweep(config, dataset, backbone=pretrained))
    dropped = {one.arm: one.after_seed for one in of(found, ArmDropped)}
    for arm in of(found, SweepStarted)[0].arms:
        seeds = [one.seed for one in of(found, ArmDone) if one.arm == arm]
        assert seeds == [seed for seed in (0, 1, 2) if seed <= dropped.get(arm, 2)]


def test_epochs_follow_the_number_of_images():
    assert epochs_for(100) == 10
    assert epochs_for(50) == 20  # as many images in all
    assert epochs_for(5000) == 2
    assert epochs_for(4) == 60


def test_bad_settings_say_what_is_allowed(dataset):
    with pytest.raises(errors.SettingsError, match="seeds"):
        SweepConfig(seeds=0)
    with pytest.raises(errors.SettingsError, match="head"):
        SweepConfig(head="none")
    with pytest.raises(errors.SettingsError, match="A setting"):
        SweepConfig.from_json({"colour": "blue"})
    with pytest.raises(errors.SettingsError, match="pixels"):
        next(iter(sweep(SweepConfig(backbone="vit_b_16", image_size=64), dataset)))


def test_arms_have_names_that_read_back_and_stand_for_runs():
    arms = SweepConfig().arms(5, probe_head=False)
    assert [SweepArm.named(arm.name) for arm in arms] == list(arms)
    assert arms[-1] == LP_FT
    plain, probed = (
        SweepConfig().run_of(
            SweepArm(depth=2), seed=0, epochs=4, stages=5, image_size=64, probe_head=probe_head
        )
        for probe_head in (False, True)
    )
    assert (plain.strategy, plain.freeze_depth) == ("freeze_to_depth", 2)
    assert (probed.strategy, probed.freeze_depth) == ("lp_ft", 2)
    assert isinstance(plain, FinetuneConfig)
