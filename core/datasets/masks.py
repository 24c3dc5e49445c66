"""Pictures that belong to other pictures, as in sets for segmentation: a mask is no example of a class.

Found inside class folders, by names: folders of masks beside a folder of pictures (``benign/images``,
``benign/masks``), and files that are called like another one (``benign (1).png``, ``benign (1)_mask.png``).
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from core.datasets.part_names import belongs_to_pictures, pictures_and_masks
from core.datasets.parts import Folder

_MASK = re.compile(r"(?P<of>.+?)[ _-](?:mask|segmentation|groundtruth|gt)(?:[ _-]?\d+)?", re.IGNORECASE)


def take_out(folder: Folder, paths: Sequence[str]) -> list[int]:
    """Take what belongs to other pictures out of a class folder; gives its numbers in ``paths``."""
    taken: list[int] = []
    waiting = [folder]
    while waiting:
        one = waiting.pop()
        beside = list(filter(belongs_to_pictures, one.folders)) if pictures_and_masks(one.folders) else []
        found = [number for name in beside for number in one.folders.pop(name).below()]
        stems = {number: PurePosixPath(paths[number]).stem for number in one.files}
        known = set(stems.values())
        masks = {
            number
            for number, stem in stems.items()
            if (match := _MASK.fullmatch(stem)) is not None and match["of"] in known
        }
        one.files = [number for number in one.files if number not in masks]
        found += sorted(masks)
        place: Folder | None = one
        while found and place is not None:
            place.count -= len(found)
            place = place.parent
        taken += found
        waiting.extend(one.folders.values())
    return taken
