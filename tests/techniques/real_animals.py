"""Animals of a real archive, hidden and recognised by their attributes."""

from pathlib import Path

from core.datasets.own_images import from_zip
from core.interpretation import specimen
from core.techniques.zero_shot.animals import Animals, hide, look, scores_by_arm
from core.techniques.zero_shot.attributes import Attributes
from core.techniques.zero_shot.hidden import accuracies


def prepared(
    network: specimen.Specimen, archive: Path, attributes: Attributes, per_class: int, side: int
) -> Animals:
    """Features of an archive's pictures, 17 classes in train and test."""
    looking = look(network, from_zip(archive, side=side), attributes, per_class)
    while True:
        try:
            next(looking)
        except StopIteration as over:
            found: Animals = over.value
            return found


def measure(animals: Animals, unseen: int, seed: int) -> dict[tuple[str, str], float]:
    """Mean accuracy over classes of one seed: arm and what is asked -> 0-1."""
    one = hide(animals, unseen, seed)
    by_arm, _ = scores_by_arm(one, animals, seed)
    return {
        (arm, quantity): value
        for arm, several in by_arm.items()
        for quantity, value in accuracies(several[0], one).items()
    }
