"""The small archives of ../shared/cases, each standing for a kind, with their right values."""

from pathlib import Path

import pytest

from core.datasets.own_images import from_zip
from core.datasets.splits import class_counts, split
from core.errors import DataError

# classes, training pictures, test pictures (None: no part of its own), files left out, and what is said
CASES = {
    "split-seg": (("disc", "square"), [8, 8], [4, 4], 0, "seg_train for train, seg_test for test"),
    "split-images": (("disc", "square"), [8, 8], [4, 4], 0, "train_images for train"),
    "test-lacks-class": (("disc", "square"), [6, 6], [0, 3], 3, "no picture of “disc”"),
    "test-other-case": (("Cat", "Dog"), [6, 6], [4, 4], 0, "“cat” and “Cat”"),
    "names-big5": (("功夫", "功能", "蘋果"), [8, 8, 8], None, 0, "read as Big5"),
    "one-picture-two-classes": (("disc", "square"), [10, 20], None, 0, "labels disagree"),
    "test-is-training": (("disc", "square"), [8, 8], [4, 4], 4, "4 of the 12 pictures"),
    "wrapper-with-license": (("disc", "square"), [6, 6], None, 1, ""),
    "wrapper-with-picture": (("disc", "square"), [6, 6], None, 1, ""),
    "icon-carriage-return": (("disc", "square"), [8, 8], None, 0, ""),
    "backslash-folders": (("disc", "square"), [8, 8], None, 0, ""),
    "zip-in-zip": (("disc", "square"), [4, 4], None, 0, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_cases_are_read_rightly(name: str, shared_cases: Path) -> None:
    names, train, test, left_out, said = CASES[name]
    dataset = from_zip(shared_cases / f"{name}.zip", side=16)
    assert dataset.class_names == names
    assert class_counts(dataset.train, len(names)).tolist() == train
    assert (None if dataset.test is None else class_counts(dataset.test, len(names)).tolist()) == test
    assert len(dataset.report.skipped) == left_out
    assert said in " ".join((*dataset.report.remarks, *dataset.report.caveats))
    for seed in range(3):
        splits = split(dataset, per_class=None, seed=seed)
        parts = [
            {image.tobytes() for image in part.images}
            for part in (splits.train, splits.validation, splits.test)
        ]
        assert sum(map(len, parts)) == len(set.union(*parts))


def test_identical_pictures_are_named(shared_cases: Path) -> None:
    with pytest.raises(DataError, match="are the same one"):
        from_zip(shared_cases / "all-black.zip", side=16)
