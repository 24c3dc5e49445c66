"""The three experiments, with stages whose answers are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone, Stage
from core.interpretation import exemplars, specimen
from core.interpretation.early_and_late import correlation, experiments, patterns, shuffled
from core.interpretation.specimen import Specimen


class Brightness(nn.Module):
    """Mean brightness everywhere: no arrangement matters."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=1, keepdim=True)


class UpperHalf(nn.Module):
    """How much brighter the upper half is than the lower: arrangement is all."""

    def forward(self, maps: Tensor) -> Tensor:
        half = maps.shape[-2] // 2
        more = maps[:, :, :half].mean(dim=(2, 3)) - maps[:, :, half:].mean(dim=(2, 3))
        return more[:, :, None, None].expand(-1, -1, 4, 4)


@pytest.fixture(scope="module")
def one() -> Specimen:
    rows = (
        Stage(name="bright", module=Brightness(), channels=1, reduction=1),
        Stage(name="upper", module=UpperHalf(), channels=1, reduction=16),
    )
    neck = nn.Linear(1, 1)
    backbone = Backbone(name="tiny_resnet18", stages=rows, neck=neck, feature_size=1, head=neck)
    return specimen.specimen(backbone, (), 64)


def test_only_where_arrangement_counts_does_shuffling_change_the_answers(one: Specimen) -> None:
    shares: list[float] = []
    bright, upper = experiments(one, exemplars.bank(64), shares.append)
    assert bright.shuffled.median == pytest.approx(1, abs=1e-3)
    assert abs(upper.shuffled.median) < 0.5
    assert bright.mirrored.median == pytest.approx(1, abs=1e-3)
    assert upper.mirrored.median == pytest.approx(1, abs=1e-3)
    assert bright.patterns.median >= 1  # white
    assert upper.patterns.median < 0.5  # stripes are as bright above as below
    assert shares[-1] == 1.0


def test_a_stage_that_never_answers_is_left_out() -> None:
    one = specimen.random("tiny_resnet18")
    with torch.no_grad():
        one.backbone.stages["layer4"][-1].bn2.weight.zero_()  # type: ignore[index,union-attr,operator]
        one.backbone.stages["layer4"][-1].bn2.bias.fill_(-1e6)  # type: ignore[index,union-attr,operator]
    found = experiments(one, exemplars.bank(64, 3))
    assert [row.stage for row in found] == ["stem", "layer1", "layer2", "layer3"]
    for row in found:
        assert row.patterns.low <= row.patterns.median <= row.patterns.high
        assert 0 < row.channels <= row.of


def test_shuffling_keeps_every_piece_and_the_original() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 70, 70, 3), dtype=np.uint8)
    before = pictures.copy()
    mixed = shuffled(pictures)
    assert np.array_equal(pictures, before)
    assert np.array_equal(mixed, shuffled(pictures))

    def pieces(picture: np.ndarray) -> list[bytes]:
        return sorted(
            picture[y : y + 8, x : x + 8].tobytes() for y in range(0, 64, 8) for x in range(0, 64, 8)
        )

    for old, new in zip(pictures, mixed, strict=True):
        assert pieces(old) == pieces(new)
        assert not np.array_equal(old, new)
        assert np.array_equal(old[64:], new[64:])


def test_patterns_hold_nothing_but_stripes_and_colours() -> None:
    drawn = patterns(64)
    assert drawn.shape == (41, 64, 64, 3)
    assert (drawn[-9:].std(axis=(1, 2)) == 0).all()
    spectrum = np.abs(np.fft.fft2(drawn[:32].mean(axis=-1) - 127.5)) ** 2
    spectrum[:, 0, 0] = 0
    top = np.sort(spectrum.reshape(32, -1), axis=1)[:, -18:].sum(axis=1) / spectrum.sum(axis=(1, 2))
    assert top.min() > 0.6  # one wave each, smeared by the border


def test_correlation_of_columns() -> None:
    x = np.array([[0, 1, 5], [1, 0, 5], [2, -1, 5]], dtype=np.float32)
    assert correlation(x, x[:, [0, 0, 0]]).tolist() == pytest.approx([1, -1, 0])
