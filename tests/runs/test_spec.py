"""Specifications of runs, and the control that belongs to a fine-tuning."""

import json

import pytest

from core import errors
from core.runs import data
from core.runs.kinds.finetuning import control_spec, epochs_of
from core.runs.kinds.table import kind, read_spec
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import STRATEGIES, FinetuneConfig


def test_a_specification_survives_json() -> None:
    spec = RunSpec(
        config=FinetuneConfig(strategy="surgical", per_class=7, views=2),
        data="upload:abc",
        fit="pad",
        title="Größe",
    )
    values = json.loads(json.dumps(spec.to_json()))
    assert read_spec(values) == spec
    del values["fit"]  # as stored before there was a choice
    assert read_spec(values).fit == "crop"


def test_no_data_and_unknown_settings_are_refused(store: Store) -> None:
    with pytest.raises(errors.DataError, match="Choose a data set"):
        data.check(RunSpec(config=FinetuneConfig()), store, "ann")
    with pytest.raises(errors.SettingsError, match="crop, pad, squash"):
        RunSpec(config=FinetuneConfig(), data="digits", fit="stretch")
    values = RunSpec(config=FinetuneConfig(), data="digits").to_json()
    values["config"]["colour"] = "blue"
    with pytest.raises(errors.SettingsError, match="colour"):
        read_spec(values)


def test_a_control_has_the_same_budget_and_data_but_neither_weights_nor_gentle_rates() -> None:
    spec = RunSpec(
        config=FinetuneConfig(
            strategy="freeze_to_depth",
            freeze_depth=3,
            epochs=7,
            views=2,
            per_class=20,
            batch_size=8,
            image_size=96,
            seed=4,
            learning_rate=1e-5,
            l2_sp=0.1,
            head="mlp",
        ),
        data="digits",
        fit="squash",
        title="Depth 3",
    )
    control = control_spec(spec)
    kept = ("epochs", "views", "per_class", "batch_size", "image_size", "seed", "head", "backbone")
    assert {name: getattr(control.config, name) for name in kept} == {
        name: getattr(spec.config, name) for name in kept
    }
    assert control.config.strategy == "scratch"
    assert control.config.learning_rate is None
    assert control.config.l2_sp == 0
    assert (control.data, control.fit) == ("digits", "squash")
    assert control.title == "Depth 3 (from scratch)"


def test_the_control_of_every_strategy_gets_at_least_its_epochs() -> None:
    for strategy in STRATEGIES:
        config = FinetuneConfig(strategy=strategy)  # type: ignore[arg-type]
        control = control_spec(RunSpec(config=config, data="digits")).finetune
        assert epochs_of(control) >= epochs_of(config)
    scratch = RunSpec(config=FinetuneConfig(strategy="scratch"), data="digits")
    assert kind(scratch).control(scratch) is None
    statistics = RunSpec(config=FinetuneConfig(strategy="scratch_statistics"), data="digits")
    assert kind(statistics).control(statistics) == control_spec(statistics)
