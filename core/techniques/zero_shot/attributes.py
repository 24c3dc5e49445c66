"""Animals with Attributes 2: 50 animals, 85 attributes. Xian et al. 2018 (arXiv 1707.00600). Torch-free."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributes:
    """``has`` (classes, attributes) is 0 or 1; ``strength`` the same as people's answers, 0-1."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    has: Floats
    strength: Floats

    def of(self, wanted: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Rows of both matrices for the classes ``wanted``; `DataError` for one that is not described."""
        missing = [one for one in wanted if one not in self.classes]
        if missing:
            raise DataError(
                f"No attributes are known of {', '.join(missing[:3])}; choose described classes only."
            )
        rows = [self.classes.index(one) for one in wanted]
        return self.has[rows], self.strength[rows]


def read_attributes(folder: Path) -> Attributes:
    """Read AwA2's own text files; `DataError` where one is missing or the sizes do not fit."""
    try:
        classes, names = (
            tuple(
                line.split()[1].replace("+", " ") for line in (folder / file).read_text().splitlines() if line
            )
            for file in ("classes.txt", "predicates.txt")
        )
        has, strength = (
            np.loadtxt(folder / f"predicate-matrix-{kind}.txt", ndmin=2) for kind in ("binary", "continuous")
        )
    except (OSError, ValueError, IndexError) as error:
        raise DataError(
            f"{folder} does not hold the attributes of AwA2: classes.txt, predicates.txt and both matrices."
        ) from error
    if not has.shape == strength.shape == (len(classes), len(names)):
        raise DataError(
            f"The attribute matrices in {folder} do not fit their lists of classes and attributes."
        )
    return Attributes(classes=classes, names=names, has=has, strength=strength.clip(0, None) / 100)
