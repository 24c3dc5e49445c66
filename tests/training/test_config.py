import pytest

from core import errors
from core.training.config import STRATEGIES, FinetuneConfig


def test_it_survives_json():
    config = FinetuneConfig(strategy="surgical", epochs=3, learning_rate=1e-4)
    assert FinetuneConfig.from_json(config.to_json()) == config


def test_an_unknown_setting_is_refused():
    with pytest.raises(errors.SettingsError, match="learning_rate"):
        FinetuneConfig.from_json({"learn_rate": 1})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_resolving_fills_every_default(strategy):
    resolved = FinetuneConfig(strategy=strategy).resolved(stages=5, image_size=64)
    empty = {name for name, value in resolved.to_json().items() if value is None}
    assert empty == {"per_class", "patience"}
    assert resolved.resolved(stages=5, image_size=64) == resolved


@pytest.mark.parametrize(("strategy", "depth"), [("linear_probe", 5), ("full", 0), ("freeze_to_depth", 3)])
def test_strategies_define_their_depth(strategy, depth):
    assert FinetuneConfig(strategy=strategy).resolved(stages=5, image_size=64).freeze_depth == depth


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 0}, "batch size must lie between 1 and 4096"),
        ({"strategy": "magic"}, "linear_probe"),
        ({"views": -1}, "views"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
    ],
)
def test_values_out_of_range_are_refused(settings, words):
    with pytest.raises(errors.SettingsError, match=words):
        FinetuneConfig(**settings)


def test_each_optimiser_has_a_rate_of_its_own_unless_one_is_given():
    rates = {
        name: FinetuneConfig(strategy="full", optimiser=name).resolved(stages=5, image_size=64).learning_rate
        for name in ("adamw", "sgd", "rmsprop")
    }
    assert rates["rmsprop"] < rates["adamw"] < rates["sgd"]
    given = FinetuneConfig(strategy="full", optimiser="sgd", learning_rate=0.1)
    assert given.resolved(stages=5, image_size=64).learning_rate == 0.1
