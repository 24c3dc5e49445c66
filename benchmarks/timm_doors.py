"""How many of timm's networks the lab takes, and whether any of them is taken wrongly.

    python -m benchmarks.timm_doors [--names 40] [--largest 60] [--out FILE]

All curated networks, then as many further names, drawn at random (seeded) among timm's networks with trained weights
and at most so many million parameters. Each is built with random weights and proven, as always; what is accepted is
compared once more, on other images than those of the proof, with the forward pass of a network that timm builds by
itself from the same weights. "Wrong" counts accepted networks whose scores differ in any bit.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

import torch

from core import errors
from core.backbones import catalogue, stages, timm_catalogue, timm_networks
from core.vision import timm

SEED = 20260701


@torch.no_grad()
def verdict(name: str) -> str:
    """Say "equal", "wrong", or why the network was refused."""
    try:
        backbone = stages.build(name, seed=1)
    except errors.SettingsError as error:
        return f"refused: {error}"
    network = timm.create_model(timm_networks.own_name(name))
    generator = torch.Generator().manual_seed(2)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            # So that fresh norms and scales, which are constants, hide nothing; small, so that nothing overflows.
            tensor.add_((torch.rand(tensor.shape, generator=generator) - 0.5) / 50)
    names = stages.original_names(name)
    backbone.load_state_dict({names[key]: tensor for key, tensor in network.state_dict().items()})
    side = timm_networks.sides(name).own
    images = torch.randn(1, 3, side, side, generator=generator)
    expected, scores = network.eval()(images), backbone.eval()(images)
    if not bool(expected.isfinite().all()) or float(expected.std()) == 0:
        return "wrong: nothing to compare"
    return (
        "equal" if torch.equal(expected, scores) else f"wrong by {float((expected - scores).abs().max()):.3g}"
    )


def drawn(count: int, largest: float) -> list[str]:
    """Draw names of networks that are not in the curated list, smaller than ``largest`` million parameters."""
    names = [catalogue.TIMM_PREFIX + name for name in timm.list_models(pretrained=True)]
    names = [name for name in names if name not in timm_catalogue.CURATED]
    random.Random(SEED).shuffle(names)
    chosen: list[str] = []
    for name in names:
        if len(chosen) == count:
            break
        try:
            network = timm_networks.outline(name)
        except errors.SettingsError as error:
            if "parameters" not in str(error):  # too large otherwise
                chosen.append(name)
            continue
        if sum(parameter.numel() for parameter in network.parameters()) <= largest * 1e6:
            chosen.append(name)
    return chosen


def main() -> None:
    """Go through all; what is done stands in ``--out`` and is not done again."""
    parser = argparse.ArgumentParser(description="Try the doors of timm's networks.")
    parser.add_argument("--names", type=int, default=40)
    parser.add_argument("--largest", type=float, default=60.0, help="million parameters")
    parser.add_argument("--out", type=Path, default=Path("timm_doors.json"))
    chosen = parser.parse_args()
    done: dict[str, str] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    further = drawn(chosen.names, chosen.largest)
    for title, names in (("curated", list(timm_catalogue.NAMES)), ("drawn", further)):
        for name in names:
            if name not in done:
                begun = time.perf_counter()
                done[name] = verdict(name)
                chosen.out.write_text(json.dumps(done, indent=1))
                print(
                    f"{name:60} {time.perf_counter() - begun:5.1f} s  {done[name]}",
                    file=sys.stderr,
                    flush=True,
                )
        found = [done[name] for name in names]
        print(
            f"{title}: {len(found)} networks, {found.count('equal')} equal to the bit, "
            f"{sum(one.startswith('refused') for one in found)} refused with a sentence, "
            f"{sum(one.startswith('wrong') for one in found)} wrong"
        )


if __name__ == "__main__":
    main()
