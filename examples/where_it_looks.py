"""Walk through a pretrained network's stages, and ask where on a picture it looks.

    python -m examples.where_it_looks [PICTURE]

PICTURE is a file, or a sample: cat, coffee, rocket, …
"""

import sys

import numpy as np

import core


def main(picture: str = "cat") -> str:
    """Print the stages, and a coarse map of what speaks for the network's first answer; that answer."""
    network = core.pretrained("efficientnet_lite0")
    for stage in network.backbone.table:
        print(f"{stage.name:<8} {stage.channels:>4} channels, one position per {stage.reduction} pixels")

    pixels = core.open_picture(picture, side=network.image_size)
    scores = network.backbone(network.input(pixels))[0]
    target = int(scores.argmax())
    attribution = core.attribute(network, pixels, method="grad_cam", target=target)
    shades = " .:-=+*#"
    strongest = max(float(np.abs(attribution.values).max()), 1e-9)
    for row in attribution.values / strongest:
        print("  ".join(shades[int(max(value, 0) * (len(shades) - 1))] for value in row))
    print(f"Its first answer is “{network.class_names[target]}”, by its stage {attribution.stage}")
    return network.class_names[target]


if __name__ == "__main__":
    main(*sys.argv[1:2])
