"""How archives are laid out: parts under many names, wrappers, stray files, ZIPs in ZIPs; what is refused and said."""

import io
import zipfile
from pathlib import Path

import pytest

from core.datasets import part_names
from core.datasets.dataset import ImageDataset
from core.datasets.layout import arrange
from core.datasets.own_images import from_folder, from_zip
from core.datasets.part_names import named
from core.datasets.splits import class_counts
from core.errors import DataError
from core.images.decoding import DEFAULT_LIMITS, ReadingLimits
from tests.datasets.test_own_images import class_folders, png, zipped
from tests.hostile import layouts


def read(files: dict[str, bytes]) -> ImageDataset:
    return from_zip(zipped(files), side=8)


def counts(dataset: ImageDataset) -> tuple[list[int], list[int] | None]:
    classes = len(dataset.class_names)
    test = None if dataset.test is None else class_counts(dataset.test, classes).tolist()
    return class_counts(dataset.train, classes).tolist(), test


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("seg_train", "seg_test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_images", "test_images"),
        ("training_set", "test_set"),
        ("train", "evaluation"),
        ("Train", "dev"),
        ("01_train", "02_eval"),
        ("train-set", "test-set"),
        ("TrainingSet", "TestSet"),
        ("flowers_train", "flowers_test"),
        ("Trainingsdaten", "Testdaten"),
        ("train2017", "val2017"),
        ("learning_set", "unseen"),
        ("train", "development"),
        ("训练集", "测试集"),
        ("train/images", "test/images"),
        ("archive/data/x_train", "archive/data/x_test"),
        ("Trainingsbilder", "Testbilder"),
        ("训练数据", "测试数据"),
        ("訓練データ", "テストデータ"),
        ("学習用", "評価用"),
        ("학습데이터", "검증데이터"),
        ("тренировочная", "тестовая"),
        ("Обучение", "Проверка"),
        ("addestramento", "test"),
        ("dane_treningowe", "dane_testowe"),
        ("train_augmented", "test"),
        ("1.Training", "2.Validation"),
        ("drive-download-20240101T000000Z-001/Set/train", "drive-download-20240101T000000Z-002/Set/test"),
    ],
)
def test_parts_under_other_names_are_parts(train: str, test: str) -> None:
    dataset = read(class_folders(prefix=f"{train}/") | class_folders(prefix=f"{test}/", each=2, seed=50))
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == ([4, 4], [2, 2])
    if (
        not {train.lower(), test.lower()} <= part_names.WORDS.keys()
        and train != "train/images"
        and "Set" not in train
    ):
        assert "taken for parts of the data set" in dataset.report.remarks[0]


@pytest.mark.parametrize("parts", [("train", "test"), ("Training", "eval"), ("training_set", "dev")])
def test_parts_below_each_class_are_parts(parts: tuple[str, str]) -> None:
    files = {
        f"animals/{name}/{part}/{number}.png": png(100 * place + 10 * label + number)
        for place, part in enumerate(parts)
        for label, name in enumerate(("cat", "dog"))
        for number in range(4 - place)
    }
    dataset = read(files)
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == ([4, 4], [3, 3])
    assert parts[0] in dataset.report.remarks[0]


def test_parts_of_other_qualities_go_together_where_they_hold_the_same_classes() -> None:
    files = class_folders(prefix="train/")
    files |= class_folders(prefix="test_easy/", each=2, seed=50) | class_folders(prefix="test_hard/", seed=70)
    dataset = read(files)
    assert counts(dataset) == ([4, 4], [6, 6])
    assert "test_easy, test_hard for test" in dataset.report.remarks[0]


def test_a_wrapper_beside_another_folder_is_said_to_become_one_class() -> None:
    files = class_folders(prefix="flowers/") | class_folders(classes=("docs",), seed=50)
    dataset = read(files)
    assert dataset.class_names == ("docs", "flowers")
    assert "below “flowers” (cat, dog) became one class" in dataset.report.remarks[0]


def test_parts_within_the_training_part_are_parts() -> None:
    files = class_folders(prefix="train/train/") | class_folders(prefix="train/val/", each=2, seed=50)
    dataset = read(files | class_folders(prefix="test/", each=1, seed=80))
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == ([6, 6], [1, 1])
    assert "In “train”, these folders were taken for parts" in dataset.report.remarks[0]
    classes = class_folders(prefix="train/", classes=("train", "bus", "val")) | class_folders(
        prefix="test/", seed=900
    )
    assert read(classes).class_names == ("bus", "train", "val")
    files_alone = class_folders(prefix="train/", classes=("test", "train"))
    files_alone |= class_folders(prefix="test/", classes=("test", "train"), each=2, seed=900)
    assert read(files_alone).class_names == ("test", "train")  # nothing lies deeper: classes
    dataset = read(files)  # without a test part, they are all there is
    assert counts(dataset) == ([4, 4], [2, 2])


@pytest.mark.parametrize("way", ["{name}/images/{part}", "{name}/{name}_{part}", "set/{name}/x/y/{part}"])
def test_parts_deeper_below_each_class_are_parts(way: str) -> None:
    files = {}
    for place, part in enumerate(("train", "test")):
        for label, name in enumerate(("cat", "dog")):
            folder = way.format(name=name, part=part)
            files |= {f"{folder}/{n}.png": png(100 * place + 10 * label + n) for n in range(4 - place)}
    dataset = read(files)
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == ([4, 4], [3, 3])


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("{name}/images/{n}.png", "{name}/masks/{n}.png"),
        ("set/{name}/x/Images/{n}.png", "set/{name}/x/Ground Truth/{n}.png"),
        ("{name}/{name} ({n}).png", "{name}/{name} ({n})_mask.png"),
        ("{name}/{n}.jpg", "{name}/{n}_segmentation.png"),
        ("{name}/{n}.png", "{name}/{n}_mask_1.png"),
    ],
)
def test_masks_beside_the_pictures_of_a_class_are_left_out_and_said(picture: str, mask: str) -> None:
    files = {}
    for label, name in enumerate(("benign", "malignant")):
        files |= {picture.format(name=name, n=n): png(100 * label + n) for n in range(4)}
        files |= {mask.format(name=name, n=n): png(100 * label + 50 + n) for n in range(3)}
    dataset = read(files)
    assert counts(dataset) == ([4, 4], None)
    assert dataset.report.remarks == ("6 files that belong to other pictures (masks) are left out.",)
    assert len(dataset.report.skipped) == 6


def test_a_class_of_masks_keeps_its_pictures() -> None:
    files = {
        f"{name}/{name}_{n}.png": png(50 * label + n)
        for label, name in enumerate(("with_mask", "no_mask"))
        for n in range(4)
    }
    assert counts(read(files)) == ([4, 4], None)


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("fold1", True),
        ("Data 02", True),
        ("person1", False),
        ("fold", False),
        ("1", False),
        ("level-3", False),
    ],
)
def test_a_name_may_say_no_more_than_which_piece_it_is(name: str, piece: bool) -> None:
    assert part_names.numbered(name) == piece


def test_class_and_part_in_one_name_are_told_apart() -> None:
    files = class_folders(classes=("cat_train", "dog_train")) | class_folders(
        classes=("cat_test", "dog_test"), each=2, seed=50
    )
    dataset = read(files)
    assert dataset.class_names == ("cat", "dog")
    assert counts(dataset) == ([4, 4], [2, 2])


@pytest.mark.parametrize(
    "classes",
    [
        ("training shoes", "sandals"),
        ("test tube", "beaker"),
        ("training shoes", "test tube"),
        ("dev", "qa", "ops"),
        ("train", "bus", "car"),
        ("valid", "invalid"),
        ("crash test", "parking"),
        ("trainer", "tester"),
        ("validation stamp", "postmark"),
    ],
)
def test_classes_whose_names_contain_such_words_stay_classes(classes: tuple[str, ...]) -> None:
    assert read(class_folders(classes=classes)).class_names == tuple(sorted(classes))


def test_a_class_that_is_called_like_a_part_is_said() -> None:
    remarks = read(class_folders(classes=("train", "bus", "car"))).report.remarks
    assert remarks == (
        "“train” was taken for a class, not for a part of the data set: no part beside it goes with it.",
    )
    assert read(class_folders(classes=("training shoes", "sandals"))).report.remarks == ()


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        (class_folders(prefix="train/") | class_folders(classes=("unlabelled",), seed=50), "train"),
        (class_folders() | class_folders(prefix="test/", seed=50), "test"),
        (class_folders(classes=("train", "test", "bus")), "test, train"),
        (class_folders() | class_folders(prefix="bird/", classes=("train", "test"), seed=50), "bird/test"),
        (
            class_folders(prefix="a_train/") | class_folders(prefix="a_test/", seed=50)
            | class_folders(prefix="b_train/", seed=70) | class_folders(prefix="b_test/", seed=90),
            "a_test, a_train",
        ),
        (class_folders(prefix="pets_train/") | class_folders(prefix="exam/", seed=50), "exam, pets_train"),
        (class_folders(classes=("seg_train", "seg_test")), "seg_test, seg_train"),
        (class_folders(prefix="fold1/") | class_folders(prefix="fold2/", seed=50), "fold1, fold2"),
        (class_folders(prefix="split_1/") | class_folders(prefix="split_2/", seed=50), "split_1, split_2"),
        (class_folders(prefix="train/") | class_folders(prefix="train_aug/", seed=50), "train, train_aug"),
    ],
)  # fmt: skip
def test_what_looks_like_parts_and_does_not_fit_is_refused_with_what_was_seen(
    files: dict[str, bytes], seen: str
) -> None:
    with pytest.raises(
        DataError, match=f"look like parts of a data set.*{seen}|{seen} look like parts|: {seen}"
    ):
        read(files)


def test_the_same_folders_below_all_classes_are_said() -> None:
    files = class_folders(prefix="day/") | class_folders(prefix="night/", seed=50)
    dataset = read(files)
    assert dataset.class_names == ("day", "night")
    assert "The same folders (cat, dog) lie below day, night" in dataset.report.remarks[0]


def test_folders_beside_the_parts_are_left_out_and_said() -> None:
    files = class_folders(prefix="seg_train/") | class_folders(prefix="seg_test/", each=2, seed=50)
    files |= {f"seg_pred/seg_pred/{number}.jpg": png(200 + number) for number in range(5)}
    dataset = read(files)
    assert counts(dataset) == ([4, 4], [2, 2])
    assert len(dataset.report.skipped) == 5
    assert any("seg_pred" in one and "5 files" in one for one in dataset.report.remarks)


@pytest.mark.parametrize(
    "stray", ["README", "README.md", "LICENSE", "preview.jpg", "labels.csv", "cover", "sub.txt"]
)
@pytest.mark.parametrize("place", ["", "flowers/"])
def test_files_beside_class_folders_do_not_hide_the_wrapper(stray: str, place: str) -> None:
    dataset = read(class_folders(prefix="flowers/") | {place + stray: png(900)})
    assert dataset.class_names == ("cat", "dog")
    assert [file for file, _ in dataset.report.skipped] == [place + stray]


@pytest.mark.parametrize(
    "junk",
    ["Icon\r", "cat/Icon\r", ".DS_Store", "cat/._0.png", "Thumbs.db", "@eaDir/cat/THUMB.jpg", "cat/@eaDir/0.png/x.jpg",
     "__MACOSX/flowers/cat/._0.png", "desktop.ini", "#recycle/cat/9.png", "@Recycle/9.png", "#snapshot/cat/9.png",
     ".git/objects/ab/cd"],
)  # fmt: skip
def test_what_systems_leave_is_passed_over_without_a_word(junk: str) -> None:
    files = class_folders(prefix="flowers/")
    for place in ("", "flowers/"):
        dataset = read(files | {place + junk: b"\0"})
        assert dataset.class_names == ("cat", "dog")
        assert (dataset.report.skipped, dataset.report.remarks) == ((), ())


def test_pictures_in_hidden_folders_are_listed() -> None:
    assert dict(read(class_folders() | {".net/0.png": png(9)}).report.skipped) == {
        ".net/0.png": "It lies in a hidden folder."
    }


def test_a_folder_without_pictures_among_the_classes_is_said() -> None:
    dataset = read(class_folders() | {"bird/0.dng": b"raw", "bird/1.dng": b"raw"})
    assert dataset.report.remarks == (
        "The folder “bird” has no picture in it (2 files of other kinds), so it is no class.",
    )


def test_a_class_with_folders_in_it_is_no_wrapper() -> None:
    files = class_folders(prefix="cat/", classes=("young", "old"), each=2)
    files |= {f"cat/{number}.png": png(300 + number) for number in range(20)}
    with pytest.raises(DataError, match=r"only one class \(cat\)"):
        read(files)


def test_backslashes_separate_folders_in_folder_entries_too() -> None:
    files = {name.replace("/", "\\"): one for name, one in class_folders(prefix="data/").items()}
    dataset = read({"data\\": b"", "data\\cat\\": b"", **files})
    assert dataset.class_names == ("cat", "dog")
    assert dataset.report.skipped == ()


# --- classes that differ between parts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("Cat", "cat"),
        ("CAT", "Cat"),
        ("golden_retriever", "Golden Retriever"),
        ("Straße", "STRASSE"),
        ("ｃａｔ", "cat"),
        ("GoldenRetriever", "golden_retriever"),
        ("1", "01"),
        ("cat", "cat."),
        ("می\u200cخک", "میخک"),
    ],
)
def test_another_spelling_in_the_test_part_is_the_same_class_and_said(here: str, there: str) -> None:
    files = class_folders(prefix="train/", classes=(here, "dog")) | class_folders(
        prefix="test/", classes=(there, "dog"), each=2, seed=50
    )
    dataset = read(files)
    assert set(dataset.class_names) == {here, "dog"}
    assert counts(dataset) == ([4, 4], [2, 2])
    assert f"“{there}” and “{here}” are spelt differently" in dataset.report.remarks[0]


def test_two_spellings_in_one_part_stay_two_classes_and_are_said() -> None:
    dataset = read(class_folders(classes=("Cat", "cat", "dog")))
    assert dataset.class_names == ("Cat", "cat", "dog")
    assert "differ only in how they are spelt: “Cat” and “cat”." in dataset.report.remarks[0]


def test_folders_whose_names_look_the_same_become_one_class_and_it_is_said() -> None:
    for same in ("cat ", "cat\u200b", "\ufeffcat", "c\u00adat"):
        dataset = read(class_folders(classes=("cat", "dog")) | class_folders(classes=(same,), seed=50))
        assert dataset.class_names == ("cat", "dog")
        assert "look the same: “cat”" in dataset.report.remarks[0]


@pytest.mark.parametrize(("one", "other"), [("1.05", "1.5"), ("1_1", "11"), ("10", "100"), ("C", "C++")])
def test_other_numbers_are_other_classes(one: str, other: str) -> None:
    assert part_names.key(one) != part_names.key(other)


def test_a_validation_part_in_other_spelling_joins_training() -> None:
    files = (
        class_folders(prefix="train/")
        | class_folders(prefix="val/", classes=("Cat", "Dog"), each=2, seed=50)
        | class_folders(prefix="test/", each=1, seed=70)
    )
    assert counts(read(files)) == ([6, 6], [1, 1])


def test_classes_of_the_test_part_alone_and_of_training_alone_are_said() -> None:
    files = class_folders(prefix="train/", classes=("cat", "disc", "dog")) | class_folders(
        prefix="test/", classes=("cat", "discs", "dog"), each=2, seed=50
    )
    dataset = read(files)
    assert counts(dataset) == ([4, 4, 4], [2, 0, 2])
    assert "the training part lacks (“discs”); its 2 files are left out" in dataset.report.remarks[0]
    assert "no picture of “disc”" in dataset.report.caveats[0]


def test_a_test_part_of_other_classes_is_not_used_and_said() -> None:
    files = class_folders(prefix="train/") | class_folders(prefix="test/", classes=("katze", "hund"), seed=50)
    dataset = read(files)
    assert dataset.test is None
    assert set(dict(dataset.report.skipped).values()) == {
        "Class “katze” occurs in the test part only.",
        "Class “hund” occurs in the test part only.",
    }
    assert "“hund”, “katze”" in dataset.report.remarks[0]


# --- ZIP files inside -----------------------------------------------------------------------------------


def inner(files: dict[str, bytes]) -> bytes:
    return zipped(files).getvalue()


def test_a_zip_in_a_zip_is_opened() -> None:
    assert read({"data.zip": inner(class_folders())}).class_names == ("cat", "dog")
    assert read({"set/data.zip": inner(class_folders(prefix="x/")), "set/README.md": b"x"}).class_names == (
        "cat",
        "dog",
    )


@pytest.mark.parametrize("wrapped", ["", "cat/"])
def test_one_zip_per_class_is_read_as_one_folder_per_class(wrapped: str, tmp_path: Path) -> None:
    pictures = {"cats.zip": 0, "dogs.ZIP": 50}
    files = {
        name: inner({f"{wrapped}{n}.png": png(seed + n) for n in range(4)}) for name, seed in pictures.items()
    }
    dataset = read(files | {"__MACOSX/._cats.zip": b"\0", "preview.jpg": png(900)})
    assert dataset.class_names == ("cats", "dogs")
    assert counts(dataset)[0] == [4, 4]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert from_folder(tmp_path, side=8).class_names == ("cats", "dogs")


def test_the_pieces_of_one_download_are_one_folder(tmp_path: Path) -> None:
    pieces = {
        f"Set-20240101T000000Z-{number:03}.zip": inner(
            class_folders(prefix="Set/", classes=classes, seed=seed)
        )
        for number, classes, seed in ((1, ("cat", "dog"), 0), (2, ("dog",), 300), (3, ("elk",), 600))
    }
    for name, content in pieces.items():
        (tmp_path / name).write_bytes(content)
    for dataset in (read(pieces), from_folder(tmp_path, side=8)):
        assert dataset.class_names == ("cat", "dog", "elk")
        assert counts(dataset)[0] == [4, 8, 4]


def test_a_path_may_begin_with_a_dot_that_means_here() -> None:
    dataset = read({f"./{name}": one for name, one in class_folders(prefix="set/").items()})
    assert dataset.class_names == ("cat", "dog")
    assert dataset.report.skipped == ()


def test_one_zip_per_part_is_read_as_one_folder_per_part() -> None:
    files = {"train.zip": inner(class_folders()), "test.zip": inner(class_folders(each=2, seed=50))}
    assert counts(read(files)) == ([4, 4], [2, 2])


def test_a_zip_beside_class_folders_is_listed_and_not_opened() -> None:
    dataset = read(class_folders() | {"everything.zip": inner(class_folders())})
    assert dataset.class_names == ("cat", "dog")
    assert dict(dataset.report.skipped) == {"everything.zip": "Not a picture file (.zip)."}


@pytest.mark.parametrize(
    ("files", "limits", "words"),
    [
        (
            {"data.zip": inner({"more.zip": inner(class_folders())})},
            ReadingLimits(),
            r"packed file \(data/more.zip\)",
        ),
        ({"data.rar": b"Rar!"}, ReadingLimits(), r"packed file \(data.rar\)"),
        ({"data.zip": b"no zip"}, ReadingLimits(), "data.zip inside the ZIP: This is not a ZIP file"),
        ({"data.zip": inner({"../x/0.png": png(1)})}, ReadingLimits(), "leaves it"),
        (
            {"a.zip": inner(class_folders())},
            ReadingLimits(max_nested_bytes=100),
            "inside the ZIP take more than",
        ),
        (
            {"a.zip": inner(class_folders()), "b.zip": inner(class_folders())},
            ReadingLimits(max_entries=15),
            "more than 15",
        ),
        ({"a.zip": inner(class_folders())}, ReadingLimits(max_unpacked_bytes=3_900), "would unpack"),
    ],
)
def test_zips_inside_are_opened_under_the_same_limits(
    files: dict[str, bytes], limits: ReadingLimits, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        from_zip(zipped(files), side=8, limits=limits)
    assert str(caught.value).endswith(".")


def test_a_bomb_inside_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("cat/0.png", bytes(20_000_000))
    with pytest.raises(DataError, match="200 times its packed size"):
        read({"data.zip": stream.getvalue()})


# --- all together ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role", "of"),
    [
        ("train", "train", ()),
        ("Seg_Train", "train", ()),
        ("TestImages", "test", ()),
        ("hold-out", "test", ()),
        ("flowers-train", "train", ("flowers",)),
        ("fold 1 val", "validation", ("fold", "1")),
        ("trainval", "train", ()),
        ("train_test", None, ()),
        ("trained", None, ()),
        ("contest", None, ()),
        ("devil", None, ()),
    ],
)
def test_a_name_says_its_role_and_whose(name: str, role: str | None, of: tuple[str, ...]) -> None:
    said = named(name)
    assert (said and said.role, said.of if said else ()) == (role, of)


def test_a_tree_of_any_depth_is_no_trouble() -> None:
    deep = "/".join(["d"] * 5_000)
    paths = [f"{deep}/{name}/{n}.png" for name in ("a", "b") for n in range(3)]
    assert arrange(paths, ReadingLimits()).class_names == ("a", "b")
    with pytest.raises(DataError, match="more than 4,000 folders"):
        arrange(paths, ReadingLimits(max_entries=4_000))


def test_layouts_at_random_are_read_as_they_were_meant() -> None:
    outcomes = list(layouts.run(80, seed=7))
    assert [(n, plan.traits, said) for n, plan, end, said in outcomes if end == "wrong"] == []
    assert sum(end == "right" for _, _, end, _ in outcomes) > 50
    assert sum(end == "refused" for _, _, end, _ in outcomes) > 5


def test_the_fuzzer_sees_a_picture_in_the_wrong_class() -> None:
    _, plan, end, _ = next(one for one in layouts.run(20, seed=7) if one[2] == "right")
    assert end == "right"
    moved = min(next(iter(plan.train.values())))
    next(iter(plan.train.values())).discard(moved)
    assert layouts.judge(plan, layouts.packed(plan))[0] == "wrong"


@pytest.mark.parametrize(
    "folders", [("JPEGImages", "SegmentationClass"), ("images", "ground_truth"), ("set/Images", "set/Labels")]
)
def test_pictures_beside_their_masks_are_refused(folders: tuple[str, str]) -> None:
    paths = [f"{folder}/{number}.png" for folder in folders for number in range(4)]
    with pytest.raises(DataError, match="not classes"):
        arrange(paths, DEFAULT_LIMITS)


def test_a_class_may_be_called_labels() -> None:
    paths = [f"{folder}/{number}.png" for folder in ("labels", "stamps") for number in range(4)]
    assert arrange(paths, DEFAULT_LIMITS).class_names == ("labels", "stamps")
