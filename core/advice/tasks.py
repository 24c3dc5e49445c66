"""The data sets that the advice was learned from: what they show, and how they differ from the source. Torch-free.

The source task of all networks is photographs of everyday things (ImageNet; Tiny ImageNet for the built-in one).
Similarity and kind of difference are *our* words for what anybody sees who looks at the pictures; they are what a
visitor is asked about a task of their own. What was measured stands in `evidence`.
"""

from dataclasses import dataclass
from typing import Literal

from core import errors

Similarity = Literal["similar", "between", "different"]
TaskDifference = Literal["none", "surface", "objects", "labels"]
Imaging = Literal["camera", "tiny", "aerial", "microscope", "xray", "scan", "drawing"]

SIMILARITIES: dict[Similarity, str] = {
    "similar": "Photographs of things or animals",
    "between": "Photographs, but of something else: surfaces, faces, paintings",
    "different": "No photographs of things: scans, drawings, aerial or medical pictures",
}

# Lee et al. 2022 (arXiv 2210.11466), table 1: which block to tune depends on what has shifted.
DIFFERENCES: dict[TaskDifference, str] = {
    "none": "Hardly any: everyday photographs of things",
    "surface": "How pictures look: the same things, but drawn, grey, blurred, or in another light",
    "objects": "What is shown: things that no everyday photograph shows",
    "labels": "What is asked: everyday things, but sorted by another question",
}

IMAGINGS: dict[Imaging, str] = {
    "camera": "An ordinary camera",
    "tiny": "A camera, but the pictures are tiny (64 pixels or fewer)",
    "aerial": "From an aeroplane or a satellite",
    "microscope": "A microscope, a telescope or an inspection camera",
    "xray": "X-rays or another medical scanner",
    "scan": "A flatbed scanner: writing, digits, documents",
    "drawing": "Drawn or painted by hand",
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One measured data set."""

    name: str
    title: str
    about: str  # completes "like …", in plain words
    similarity: Similarity
    difference: TaskDifference
    imaging: Imaging
    source: str  # where the pictures come from
    built_in: bool = False
    family: str = ""  # tasks that resemble each other on purpose; empty: alone

    def __post_init__(self) -> None:
        errors.one_of("similarity", self.similarity, SIMILARITIES)
        errors.one_of("difference", self.difference, DIFFERENCES)
        errors.one_of("imaging", self.imaging, IMAGINGS)
        object.__setattr__(self, "family", self.family or self.name)


_TASKS = (
    Task(
        name="everyday-patches",
        title="Everyday patches",
        about="pieces of twelve photographs: a cat, coffee, grass, gravel",
        similarity="similar",
        difference="labels",
        imaging="tiny",
        source="scikit-image",
        built_in=True,
    ),
    Task(
        name="science-patches",
        title="Science patches",
        about="grey pieces of cells, tissue, the moon and the deep sky",
        similarity="different",
        difference="objects",
        imaging="microscope",
        source="scikit-image",
        built_in=True,
    ),
    Task(
        name="digits",
        family="digits",
        title="Digits, 8 pixels",
        about="scans of handwritten digits of 8 × 8 pixels",
        similarity="different",
        difference="objects",
        imaging="scan",
        source="UCI, by scikit-learn",
        built_in=True,
    ),
    Task(
        name="lfw-faces",
        title="Face or no face",
        about="small grey faces against background",
        similarity="between",
        difference="labels",
        imaging="tiny",
        source="Labeled Faces in the Wild, by scikit-image",
        built_in=True,
    ),
    Task(
        name="hymenoptera",
        title="Ants and bees",
        about="photographs of ants and bees",
        similarity="similar",
        difference="none",
        imaging="camera",
        source="the PyTorch tutorial's set",
    ),
    Task(
        name="cats-dogs",
        title="Cats and dogs",
        about="photographs of cats and dogs",
        similarity="similar",
        difference="none",
        imaging="camera",
        source="ardamavi/Dog-Cat-Classifier, 600 pictures",
    ),
    Task(
        name="cifar10-6000",
        family="cifar",
        title="CIFAR-10",
        about="tiny photographs of animals and vehicles",
        similarity="similar",
        difference="surface",
        imaging="tiny",
        source="Krizhevsky 2009, a tenth of it",
    ),
    Task(
        name="cifar100-animals",
        family="cifar",
        title="CIFAR-100 animals",
        about="tiny photographs of 17 animals",
        similarity="similar",
        difference="surface",
        imaging="tiny",
        source="Krizhevsky 2009, 17 classes",
    ),
    Task(
        name="cifar100-vehicles",
        family="cifar",
        title="CIFAR-100 vehicles",
        about="tiny photographs of 6 vehicles",
        similarity="similar",
        difference="surface",
        imaging="tiny",
        source="Krizhevsky 2009, 6 classes",
    ),
    Task(
        name="pacs-photo",
        family="pacs",
        title="PACS photographs",
        about="photographs of 7 things, from dogs to guitars",
        similarity="similar",
        difference="none",
        imaging="camera",
        source="Li et al. 2017, 420 pictures",
    ),
    Task(
        name="pacs-art-painting",
        family="pacs",
        title="PACS paintings",
        about="paintings of the same 7 things",
        similarity="between",
        difference="surface",
        imaging="drawing",
        source="Li et al. 2017, 420 pictures",
    ),
    Task(
        name="pacs-cartoon",
        family="pacs",
        title="PACS cartoons",
        about="cartoons of the same 7 things",
        similarity="between",
        difference="surface",
        imaging="drawing",
        source="Li et al. 2017, 420 pictures",
    ),
    Task(
        name="pacs-sketch",
        family="pacs",
        title="PACS sketches",
        about="pencil sketches of the same 7 things",
        similarity="different",
        difference="surface",
        imaging="drawing",
        source="Li et al. 2017, 420 pictures",
    ),
    Task(
        name="textures",
        title="Textures",
        about="photographs of 10 textures: banded, blotchy, braided",
        similarity="between",
        difference="labels",
        imaging="camera",
        source="DTD, Cimpoi et al. 2014, 10 classes",
    ),
    Task(
        name="satellite",
        title="Aerial scenes",
        about="aerial photographs of 7 kinds of land",
        similarity="different",
        difference="objects",
        imaging="aerial",
        source="RSSCN7, Zou et al. 2015, 700 pictures",
    ),
    Task(
        name="steel-defects",
        title="Steel defects",
        about="grey close-ups of 6 defects of rolled steel",
        similarity="different",
        difference="objects",
        imaging="microscope",
        source="NEU-DET, Song & Yan 2013, 900 pictures",
    ),
    Task(
        name="chest-xray",
        title="Chest X-rays",
        about="radiographs of the chest, without finding or with pneumonia",
        similarity="different",
        difference="objects",
        imaging="xray",
        source="muhammedtalo/COVID-19, two of its classes",
    ),
    Task(
        name="mnist-6000",
        family="digits",
        title="MNIST",
        about="scans of handwritten digits of 28 × 28 pixels",
        similarity="different",
        difference="objects",
        imaging="scan",
        source="LeCun et al. 1998, a tenth of it",
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _TASKS}
