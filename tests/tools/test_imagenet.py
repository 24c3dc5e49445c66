"""Which of ImageNet's 1,000 outputs names each of Tiny ImageNet's 200 classes."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from core.backbones import catalogue, weights
from tools import imagenet
from tools.tiny_imagenet import TinyImageNet

ROWS = json.loads(catalogue.built_in("classes.json").read_text(encoding="utf-8"))
DATA: TinyImageNet = SimpleNamespace(wnids=tuple(row["wnid"] for row in ROWS))  # type: ignore[assignment]


def test_timm_and_torchvision_name_the_same_classes_in_the_same_order() -> None:
    ours = weights.source_class_names(catalogue.entry(catalogue.DEFAULT))
    theirs = [imagenet.names_of(wnid)[0] for wnid in imagenet.wnids()]
    differ = {number for number in range(1000) if ours[number].casefold() != theirs[number].casefold()}
    assert {ours[number] for number in differ} == {
        "crane bird",
        "maillot tank suit",
    }  # told from their namesakes


def test_every_class_of_tiny_imagenet_has_the_output_of_its_name() -> None:
    outputs = imagenet.outputs_of(catalogue.entry(catalogue.DEFAULT), DATA)
    names = weights.source_class_names(catalogue.entry(catalogue.DEFAULT))
    found = [names[output].casefold() for output in outputs]
    # Two of the 1,000 are called crane; Tiny ImageNet has the machine.
    assert found == [row["name"].casefold() for row in ROWS]
    assert len(set(outputs.tolist())) == 200


def test_the_built_in_network_has_an_output_for_each_in_order() -> None:
    outputs = imagenet.outputs_of(catalogue.entry(catalogue.BUILT_IN), DATA)
    np.testing.assert_array_equal(outputs, np.arange(200))


def test_a_class_that_is_not_among_them_is_an_error() -> None:
    with pytest.raises(KeyError):
        imagenet.positions(imagenet.wnids(), ["n00000000"])
