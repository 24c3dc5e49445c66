"""Whether pictures are a measured data set: the very pictures are recognised, others are not."""

import dataclasses

import pytest

from core.advice import evidence, familiar
from core.advice.report import Measures


def _whole(network: str) -> dict[str, Measures]:
    known = evidence.load(network)
    assert known is not None
    return {task: seeds[0] for (task, size), seeds in known.measures.items() if size is None}


@pytest.mark.parametrize("network", evidence.measured_networks())
def test_every_measured_data_set_is_recognised_and_taken_for_no_other(network: str) -> None:
    for task, measures in _whole(network).items():
        assert familiar.data_set(measures) == task


def test_another_number_of_pictures_or_classes_is_another_data_set() -> None:
    measures = _whole("tiny_resnet18")["chest-xray"]
    assert familiar.data_set(dataclasses.replace(measures, per_class=2 * measures.per_class)) is None
    assert familiar.data_set(dataclasses.replace(measures, classes=3)) is None


def test_other_pictures_of_the_same_number_are_another_data_set() -> None:
    measures = _whole("tiny_resnet18")["chest-xray"]
    stage = measures.stages[-1]
    assert stage.frechet is not None
    moved = dataclasses.replace(
        stage, frechet=dataclasses.replace(stage.frechet, value=1.3 * stage.frechet.value)
    )
    assert familiar.data_set(dataclasses.replace(measures, stages=(*measures.stages[:-1], moved))) is None


def test_nothing_is_recognised_by_a_network_that_was_never_measured() -> None:
    measures = _whole("tiny_resnet18")["chest-xray"]
    assert familiar.data_set(dataclasses.replace(measures, backbone="vit_b_16")) is None
