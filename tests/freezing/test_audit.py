import hashlib
import math

import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone
from core.freezing.audit import audit, fingerprint, relative_change, snapshot


def test_a_fingerprint_sees_one_bit_and_the_sign_of_zero() -> None:
    layer = nn.Linear(2, 2)
    nn.init.zeros_(layer.weight)
    first = fingerprint(layer)
    assert fingerprint(layer) == first
    with torch.no_grad():
        layer.weight[0, 0] = -0.0  # equal by ==, another bit pattern
    assert fingerprint(layer).parameters != first.parameters
    assert fingerprint(layer).buffers == first.buffers


def test_a_fingerprint_hashes_the_raw_bytes() -> None:
    layer = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [-2.0]]))
    raw = bytes.fromhex("0000803f000000c0")  # 1.0 and -2.0, little-endian
    expected = hashlib.sha256(b"weight torch.float32 (2, 1)\n" + raw).hexdigest()
    assert fingerprint(layer).parameters == expected


def test_a_fingerprint_sees_buffers_and_no_memory_order() -> None:
    layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    first = fingerprint(layer)
    assert fingerprint(layer.to(memory_format=torch.channels_last)) == first
    layer[1].num_batches_tracked += 1
    changed = fingerprint(layer)
    assert changed.parameters == first.parameters
    assert changed.buffers != first.buffers
    assert changed.combined != first.combined


def test_relative_change_by_hand() -> None:
    before = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([4.0])}  # norm 5
    after = {"a": torch.tensor([3.0, 1.0]), "b": torch.tensor([4.0])}  # moved by 1
    assert relative_change(before, after) == pytest.approx(0.2)
    assert relative_change(before, before) == 0.0
    assert relative_change({}, {}) == 0.0
    assert math.isfinite(relative_change({"a": torch.zeros(2)}, {"a": torch.ones(2)}))


def test_an_audit_tells_which_stage_moved_and_how_far(backbone: Backbone) -> None:
    before = snapshot(backbone)
    with torch.no_grad():
        for parameter in backbone.stages["last"].parameters():
            parameter.mul_(1.5)
        backbone.stages["stem"][1].running_mean += 1
    stem, middle, last, neck = audit(
        before, snapshot(backbone, copy=False), frozen=("stem", "middle"), cka={"last": 0.9}
    )
    assert [row.stage for row in (stem, middle, last, neck)] == ["stem", "middle", "last", "neck"]
    assert stem.frozen
    assert stem.parameters_identical
    assert not stem.buffers_identical
    assert stem.sha256_before != stem.sha256_after
    assert middle.frozen
    assert middle.buffers_identical
    assert middle.sha256_before == middle.sha256_after
    assert middle.cka is None
    assert not last.frozen
    assert not last.parameters_identical
    assert last.relative_change == pytest.approx(0.5)
    assert last.cka == 0.9
    assert not neck.frozen


def test_the_neck_is_frozen_with_the_last_stage(backbone: Backbone) -> None:
    taken = snapshot(backbone)
    assert audit(taken, taken, frozen=("last",))[-1].frozen


def test_a_snapshot_does_not_follow_the_network(backbone: Backbone) -> None:
    before = snapshot(backbone)
    with torch.no_grad():
        backbone.stages["stem"][0].weight.zero_()
    assert audit(before, snapshot(backbone), frozen=())[0].relative_change > 0.1


def test_a_neck_that_holds_nothing_is_not_listed(backbone: Backbone) -> None:
    backbone.neck = nn.Flatten(1)
    assert [one.stage for one in snapshot(backbone)] == ["stem", "middle", "last"]
