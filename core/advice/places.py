"""Where tasks stand on the chart of the four quadrants. Torch-free.

From left to right there are three columns: similar to the source, between, different, as `tasks` judges it. Within
a column the order means nothing. A task of unknown kind may stand anywhere; the rule that is quoted beside the chart
is that of the column (`advisor`).
"""

from collections.abc import Sequence

from core.advice.evidence import Cell
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


def place(
    kind: Similarity | None, per_class: int, *, counted: bool
) -> tuple[tuple[float, float], tuple[int, int]]:
    """Ranges on both axes of a task: the column of its kind, anywhere where nobody knows that; its number of images.

    ``counted``: nobody estimated that number.
    """
    across = ANYWHERE if kind is None else COLUMNS[kind]
    if counted:
        return across, (per_class, per_class)
    return across, (max(2, round(per_class / ABOUT)), round(per_class * ABOUT))
