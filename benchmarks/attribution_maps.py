"""Do the maps point at the thing, and what do they cost beside bare Captum?

    python -m benchmarks.attribution_maps --weights ../shared/weights/squeezenet1_0-imagenet.safetensors

Prints, for the built-in network and (with ``--weights``) SqueezeNet: the share of every map's positive mass inside the
box drawn by hand around the subject of scikit-image's cat, coffee and motorcycle, for the class that the network names;
the box's own share of the picture is what a map without preference scores. Then seconds a call of ours beside Captum
on a network that is there already, the best of several. Goal: at most 1.3 x bare + 100 ms.
"""

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from core.images import samples
from core.images.decoding import decode
from core.interpretation import attribution, specimen
from core.interpretation.attribution import METHODS
from core.interpretation.explainable import explainable, map_layer
from core.interpretation.specimen import Specimen

PICTURES = ("cat", "coffee", "motorcycle")


def pictures(one: Specimen) -> dict[str, NDArray[np.uint8]]:
    """The three photographs with a box, as the network sees them."""
    return {name: decode(samples.sample(name).read(), one.image_size)[0] for name in PICTURES}


def shares(one: Specimen) -> None:
    """Print the share of positive mass inside the box, per method and picture."""
    seen = pictures(one)
    boxes = {name: samples.sample(name).box or (0, 0, 1, 1) for name in PICTURES}
    targets = {}
    print(
        f"\n{one.entry.title}: share of positive mass inside the box (%), stage methods at "
        f"{attribution.default_stage(one)}"
    )
    for name, picture in seen.items():
        scores = specimen.scores(one, picture)[0]
        targets[name] = int(scores.argmax())
        print(f"  {name}: {one.class_names[targets[name]]}, {100 * scores.max():.0f} %")
    print(f"{'':22}" + "".join(f"{name:>12}" for name in PICTURES) + f"{'mean':>8}")
    rows = {"box's area (chance)": [attribution.area(boxes[name]) for name in PICTURES]}
    for method in METHODS:
        found = [
            attribution.attribute(one, seen[name], method=method, target=targets[name]).values
            for name in PICTURES
        ]
        rows[METHODS[method].title] = [
            attribution.share_inside(values, boxes[name]) or 0.0
            for values, name in zip(found, PICTURES, strict=True)
        ]
    rows["mean of the methods"] = [
        float(np.mean(column)) for column in zip(*list(rows.values())[1:], strict=True)
    ]
    for title, row in rows.items():
        print(f"{title:22}" + "".join(f"{100 * value:12.0f}" for value in row) + f"{100 * np.mean(row):8.0f}")


def best(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the quickest of ``repeats`` calls, after one to warm up."""
    call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def seconds(one: Specimen, repeats: int) -> None:
    """Print what our call costs beside Captum itself."""
    picture = pictures(one)["cat"]
    target = int(specimen.scores(one, picture)[0].argmax())
    network, stage = explainable(one), attribution.default_stage(one)
    layer, inputs = map_layer(network, stage), one.input(picture).requires_grad_()
    print(f"\n{one.entry.title}: seconds a call, best of {repeats}, {torch.get_num_threads()} threads")
    print(f"{'':22}{'ours':>10}{'Captum':>10}{'ratio':>8}{'difference':>12}   goal")
    for name, method in METHODS.items():
        bare = best(lambda method=method: method.run(network, inputs, target, layer), repeats)  # type: ignore[misc]
        ours = best(
            lambda name=name: attribution.attribute(one, picture, method=name, target=target),  # type: ignore[misc]
            repeats,
        )
        kept = "kept" if ours <= 1.3 * bare + 0.1 else "MISSED"
        print(
            f"{method.title:22}{ours:10.3f}{bare:10.3f}{ours / bare:8.2f}{1000 * (ours - bare):9.0f} ms   {kept}"
        )


def main() -> None:
    """Parse the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--weights", help="SqueezeNet 1.0's ImageNet weights; without them it is left out")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Setting")
    networks = [specimen.pretrained("tiny_resnet18")]
    if arguments.weights:
        networks.append(specimen.pretrained("squeezenet1_0", arguments.weights))
    for one in networks:
        shares(one)
    for one in networks:
        seconds(one, arguments.repeats)


if __name__ == "__main__":
    main()
