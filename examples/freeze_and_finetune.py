"""Ask how deep to freeze, do it, and see how far every stage moved.

    python -m examples.freeze_and_finetune [DATA]

DATA is a name that `python -m core datasets` lists, a ZIP file or a folder of class folders.
"""

import sys

import core


def main(data: str = "everyday-closeups", images_per_class: int = 20, epochs: int = 3) -> float:
    """Fine-tune the lab's ImageNet network on a few pictures of ``data``; the test accuracy, 0-1."""
    network = core.BACKBONES["efficientnet_lite0"]
    pictures = core.open_dataset(data, side=network.finetune_size)
    advice = core.advise(pictures, network.name, per_class=images_per_class)
    expected = advice.outlook.accuracy
    print(f"Advice: freeze {advice.freeze_depth} stages; {expected.low:.0%} to {expected.high:.0%} right")

    config = core.FinetuneConfig(
        backbone=network.name,
        freeze_depth=advice.freeze_depth,
        per_class=images_per_class,
        epochs=epochs,
        seed=0,
    )
    *_, result = core.finetune(config, pictures)  # events: progress, epochs, and the result last
    for row in result.audit:
        print(f"{row.stage:<8} {'frozen' if row.frozen else 'trained':<8} moved {row.relative_change:.1%}")
    print(f"Right on {result.test.accuracy.value:.1%} of {result.test.count} test pictures")
    return result.test.accuracy.value


if __name__ == "__main__":
    main(*sys.argv[1:2])
