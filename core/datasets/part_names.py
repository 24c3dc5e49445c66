"""What a folder's name says: that it is a part of a data set, and whose; and which class names are the same."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PartRole = Literal["train", "test", "validation"]

# Words for the parts. Of other languages: those of the sets that people share.
_SPELLINGS: dict[PartRole, tuple[str, ...]] = {
    "train": (
        *(
            "train",
            "training",
            "trn",
            "trainval",
            "learn",
            "learning",
            "entrenamiento",
            "treino",
            "treinamento",
            "entrainement",
        ),
        *(
            "apprentissage",
            "trainings",
            "обучение",
            "обучающая",
            "训练",
            "训练集",
            "訓練",
            "訓練集",
            "学習",
            "학습",
            "훈련",
            "トレーニング",
            "обучения",
            "обучающие",
            "тренировочная",
            "тренировочные",
        ),
        *(
            "addestramento",
            "egitim",
            "trening",
            "treningowe",
            "treningowy",
            "trenink",
            "trenovaci",
            "träning",
        ),
        *("træning", "traning", "latih", "pelatihan", "تدريب", "אימון"),
    ),
    "test": (
        *(
            "test",
            "testing",
            "tst",
            "eval",
            "evaluation",
            "evaluate",
            "unseen",
            "holdout",
            "heldout",
            "prueba",
            "teste",
            "тест",
        ),
        *("тестовая", "тестовые", "测试", "测试集", "測試", "測試集", "テスト", "테스트"),
        *("評価", "评估", "평가", "시험", "testowe", "testowy", "testovaci", "evaluacion", "avaliacao"),
        *("evaluierung", "pengujian", "اختبار"),
    ),
    "validation": (
        *(
            "val",
            "valid",
            "validation",
            "validate",
            "development",
            "vld",
            "dev",
            "validierung",
            "validacion",
            "validacao",
            "валидация",
        ),
        *("验证", "验证集", "驗證", "驗證集", "検証", "검증", "проверка", "проверочная", "валидационная"),
        *("validierungs", "validazione", "walidacja", "walidacyjne", "validacni", "dogrulama"),
    ),
}
WORDS = {word: role for role, words in _SPELLINGS.items() for word in words}
# Words that say nothing about which thing is shown.
_FILLERS = frozenset(
    {
        "set",
        "sets",
        "data",
        "dataset",
        "datasets",
        "image",
        "images",
        "img",
        "imgs",
        "picture",
        "pictures",
        "pic",
    }
    | {
        "pics",
        "photo",
        "photos",
        "seg",
        "segs",
        "split",
        "splits",
        "part",
        "parts",
        "folder",
        "folders",
        "dir",
        "file",
    }
    | {
        "files",
        "sample",
        "samples",
        "example",
        "examples",
        "x",
        "cls",
        "class",
        "classes",
        "classification",
        "jpg",
    }
    | {
        "jpeg",
        "png",
        "rgb",
        "raw",
        "crop",
        "crops",
        "cropped",
        "resized",
        "final",
        "new",
        "full",
        "all",
        "small",
        "v",
    }
    | {"the", "daten", "bilder"}
)
_PIECES = frozenset({"fold", "folds", "batch", "subset", "chunk", "cv", "partition", "kfold"})
# How sets for segmentation and detection lay pictures beside what belongs to them: no classes, though two folders.
_PICTURES = frozenset({"image", "images", "img", "imgs", "jpegimages", "pictures", "photos"})
_BESIDE_PICTURES = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "gt", "groundtruth", "depth"}
    | {"segmentation", "segmentations", "segmentationclass", "segmentationobject"}
)
# Such words glued to a role: "trainset", "Testbilder", "训练数据", "学習用データ", "검증데이터".
_GLUED = re.compile(
    f"(?P<role>{'|'.join(sorted(WORDS, key=len, reverse=True))})"
    "(?:set|sets|data|dataset|daten|bilder|images?|imgs?|pics|pictures|photos|split|part|folder"
    "|集|用|数据|資料|資料集|图片|图像|圖片|影像|样本|データ|データセット|セット|画像|데이터|데이터셋|셋|용|이미지)+"
)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a folder's name says: its role, whose part it is (words but fillers), and the name without the role."""

    role: PartRole
    of: tuple[str, ...]
    label: str


def named(name: str) -> Named | None:
    """Read a role out of a folder's name; None where it has none, or "train" and "test" at once."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFC", name))
    words: list[str] = []
    plain: list[str] = []  # as written, but for the role
    roles: set[PartRole] = set()
    for word in _WORD.findall(re.sub(r"(?i)(hold|held)[\W_]*(out)", r"\1\2", spaced)):
        low = _folded(word)
        glued = _GLUED.fullmatch(low)
        role = WORDS.get(glued["role"] if glued else low)
        if role is not None:
            roles.add(role)
            continue
        plain.append(word)
        if low not in _FILLERS:
            words.append(low)
    if not roles or {"train", "test"} <= roles:
        return None
    role = "train" if "train" in roles else "test" if "test" in roles else "validation"
    of = () if all(word.isdigit() for word in words) else tuple(words)
    return Named(role=role, of=of, label=" ".join(plain))


def pictures_and_masks(names: Iterable[str], *, alone: bool = False) -> bool:
    """Whether folders hold pictures and what belongs to each of them; ``alone``: no other folder is beside them."""
    plain = set(map(_letters, names))
    both = bool(plain & _PICTURES and plain & _BESIDE_PICTURES)
    return both and (not alone or plain <= _PICTURES | _BESIDE_PICTURES)


def belongs_to_pictures(name: str) -> bool:
    """Whether a folder's name says that what it holds belongs to the pictures in another: "masks", "labels"."""
    return _letters(name) in _BESIDE_PICTURES


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.lower()))


def numbered(name: str) -> bool:
    """Whether a name says no more than which piece of a set it is: "fold1", "split_2", "dataset 3"."""
    words = [_folded(word) for word in _WORD.findall(_CAMEL.sub(" ", name))]
    digits = [word for word in words if word.isdigit()]
    return 0 < len(digits) < len(words) and all(
        word in _FILLERS | _PIECES for word in words if word not in digits
    )


def key(name: str) -> str:
    """Bring a class name to what is the same however it is spelt.

    Case, width, what stands between words, zeros before a number, and what nobody sees.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    spaced = re.sub(r"[\s_\-]+", " ", seen).strip(" .")
    return re.sub(r"(?<=[^\W\d]) (?=[^\W\d])|(?<![\d.,])0+(?=\d)", "", spaced)


def _folded(word: str) -> str:
    """Bring a word to lower case without accents: "Entraînement"."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return bare if bare.isascii() else unicodedata.normalize("NFC", word.casefold())
