"""Where tasks stand on the chart of the four quadrants. Torch-free.

From left to right there are three columns: similar to the source, between, different, as `tasks` judges it. Within
a column the order means nothing. A task of unknown kind stands where the measured tasks nearest to it stand.
"""

from collections.abc import Sequence

from core.advice.evidence import Cell
from core.advice.report import Description, Neighbour
from core.advice.tasks import TASKS, Similarity

COLUMNS: dict[Similarity, tuple[float, float]] = {
    "similar": (0.04, 0.46),
    "between": (0.54, 0.7),
    "different": (0.74, 0.96),
}
ANYWHERE = (0.04, 0.96)
ABOUT = 1.5  # a described number of pictures is right within this factor


def unlike(task: str) -> float:
    """How far from the source, 0-1, a measured task is drawn: a fixed place in the column of its kind."""
    kind = TASKS[task].similarity
    column = [name for name, one in TASKS.items() if one.similarity == kind]
    low, high = COLUMNS[kind]
    return low + (high - low) * (column.index(task) + 0.5) / len(column)


def sizes(cells: Sequence[Cell]) -> dict[str, int]:
    """Training images per class of every measured task, all of them."""
    found: dict[str, int] = {}
    for cell in cells:
        found[cell.task] = max(found.get(cell.task, 0), round(cell.per_class_mean))
    return found


def described(description: Description) -> tuple[tuple[float, float], tuple[int, int]]:
    """Ranges on both axes of a task in a person's words."""
    across = ANYWHERE if description.similarity is None else COLUMNS[description.similarity]
    count = description.per_class
    return across, (max(2, round(count / ABOUT)), round(count * ABOUT))


def among(neighbours: Sequence[Neighbour], per_class: int) -> tuple[tuple[float, float], tuple[int, int]]:
    """Ranges on both axes of a measured task: as far as its nearest tasks reach, and its own number of images."""
    places = [unlike(one.task) for one in neighbours]
    across = (min(places) - 0.03, max(places) + 0.03) if places else ANYWHERE
    return across, (per_class, per_class)
