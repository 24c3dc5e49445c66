"""Copying, freezing and stitching with networks whose answers are known, and a tiny run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.datasets.open import open_dataset
from core.errors import SettingsError
from core.events import Note, Progress
from core.metrics.similarity import linear_cka
from core.techniques.events import Grid, Panel, Score
from core.techniques.representation_transfer import experiment
from core.techniques.representation_transfer.entry import TECHNIQUE, RepresentationTransferSettings
from core.techniques.representation_transfer.network import (
    LAYERS,
    WIDTH,
    Layer,
    LayeredNetwork,
    copy_layers,
    stitch,
    stitched,
    train,
)

TINY = RepresentationTransferSettings(seeds=2, per_class=5, epochs=1)
PICTURES, LABELS = torch.rand(24, 3, 16, 16) * 2 - 1, torch.arange(24) % 3


@pytest.mark.parametrize(("residual", "expected"), [(False, 0.0), (True, 1.0)])
def test_a_residual_layer_without_weights_passes_its_input_on(residual: bool, expected: float) -> None:
    layer = Layer(WIDTH, residual=residual, pooled=False)
    nn.init.zeros_(layer.convolution.weight)
    x = torch.rand(2, WIDTH, 4, 4)
    torch.testing.assert_close(layer(x), expected * x)


def test_bottom_and_top_make_the_network() -> None:
    network = LayeredNetwork("residual", 3, 0)
    for n in range(LAYERS + 1):
        torch.testing.assert_close(network.top(network.bottom(PICTURES, n), n), network(PICTURES))


@pytest.mark.parametrize("frozen", [0, 2, LAYERS])
def test_copied_layers_stay_as_they_are_where_frozen(frozen: int) -> None:
    source, target = LayeredNetwork("plain", 3, 0), LayeredNetwork("plain", 3, 1)
    fresh = [layer.convolution.weight.detach().clone() for layer in target.layers]
    copy_layers(source, target, 2)
    for place, layer in enumerate(target.layers):
        expected = source.layers[place].convolution.weight if place < 2 else fresh[place]
        assert torch.equal(layer.convolution.weight, expected)
    before = [layer.convolution.weight.detach().clone() for layer in target.layers]
    *_, done = train(target, PICTURES, LABELS, frozen=frozen, epochs=2, seed=0)
    assert done == 1.0
    moved = [
        not torch.equal(layer.convolution.weight, kept)
        for layer, kept in zip(target.layers, before, strict=True)
    ]
    assert moved == [place >= frozen for place in range(LAYERS)]


def test_a_stitch_can_undo_a_reordering() -> None:
    """Two networks that differ only in the order of their channels: a stitch that reorders them is exact."""
    top = LayeredNetwork("plain", 3, 0)
    bottom = LayeredNetwork("plain", 3, 0)
    order = torch.randperm(WIDTH, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for tensor in (bottom.layers[1].convolution.weight, bottom.layers[1].convolution.bias):
            tensor.copy_(tensor[order])
        joint = nn.Conv2d(WIDTH, WIDTH, 1)
        nn.init.zeros_(joint.bias)
        joint.weight.copy_(torch.eye(WIDTH)[order].T[:, :, None, None])
        torch.testing.assert_close(stitched(bottom, joint, top, 2)(PICTURES), top(PICTURES))


def test_stitching_trains_the_joint_alone_and_starts_from_the_identity() -> None:
    bottom, top = LayeredNetwork("plain", 3, 0), LayeredNetwork("plain", 3, 0)
    kept = [tensor.detach().clone() for tensor in (*bottom.parameters(), *top.parameters())]
    untouched = stitch(bottom, top, 2, PICTURES, LABELS, epochs=0, seed=0)
    torch.testing.assert_close(stitched(bottom, untouched, top, 2)(PICTURES), top(PICTURES))
    joint = stitch(bottom, top, 2, PICTURES, LABELS, epochs=3, seed=0)
    assert not torch.equal(joint.weight, untouched.weight)
    assert all(
        torch.equal(a, b) for a, b in zip(kept, (*bottom.parameters(), *top.parameters()), strict=True)
    )
    answer = nn.functional.cross_entropy(stitched(bottom, joint, top, 2)(PICTURES), LABELS)
    assert answer < nn.functional.cross_entropy(top(PICTURES), LABELS)


def test_similarities_are_cka_of_pooled_layers() -> None:
    first, second = LayeredNetwork("plain", 3, 0), LayeredNetwork("plain", 3, 1)
    found = experiment.similarities(first, second, PICTURES)
    assert found.shape == (LAYERS, LAYERS)
    np.testing.assert_allclose(np.diag(experiment.similarities(first, first, PICTURES)), 1.0)
    with torch.no_grad():
        a, b = first.bottom(PICTURES, 2).mean(dim=(2, 3)), second.bottom(PICTURES, 4).mean(dim=(2, 3))
    assert found[1, 3] == pytest.approx(linear_cka(a.numpy(), b.numpy(), debiased=True))


@pytest.mark.parametrize("source", ["similar", "dissimilar"])
def test_tasks_share_no_class(source: str) -> None:
    settings = replace(TINY, source=source)
    patches = open_dataset("everyday-patches", side=16)
    digits = open_dataset("digits", side=16) if source == "dissimilar" else None
    task_a, task_b, test = experiment.tasks(settings, 0, patches, digits)
    assert len(task_b.labels) == 30
    assert 300 <= len(task_a.labels) <= 360  # one photograph gives fewer than 60 pieces
    assert task_b.labels.unique().tolist() == test.labels.unique().tolist() == list(range(6))
    seen = {picture.numpy().tobytes() for picture in task_a.pictures}
    assert not seen & {picture.numpy().tobytes() for picture in (*task_b.pictures, *test.pictures)}


def test_a_tiny_run() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    events = list(experiment.run(TINY))
    assert isinstance(events[0], Progress)
    scores = [event for event in events if isinstance(event, Score)]
    assert len(scores) == 2 * len(TECHNIQUE.arms) * LAYERS
    assert {(one.arm, one.seed, one.x) for one in scores} == {
        (arm.name, seed, n) for arm in TECHNIQUE.arms for seed in (0, 1) for n in range(1, LAYERS + 1)
    }
    panels = {event.name: event for event in events if isinstance(event, Panel)}
    assert set(panels) == {"published", "cka", "stitching"}
    assert isinstance(panels["stitching"].drawing, Grid)
    assert np.shape(panels["stitching"].drawing.values) == (3, LAYERS)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert sum(isinstance(event, Note) for event in events) == 4
    torch.testing.assert_close(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    again = [event for event in experiment.run(replace(TINY, first_seed=1)) if isinstance(event, Score)]
    assert [one for one in again if one.seed == 1] == [one for one in scores if one.seed == 1]


@pytest.mark.parametrize(
    "bad", [{"per_class": 4}, {"epochs": 0}, {"network": "recurrent"}, {"source": "mars"}]
)
def test_bad_settings_are_refused_in_one_sentence(bad: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"must (lie between|be one of)"):
        RepresentationTransferSettings(**bad)  # type: ignore[arg-type]
