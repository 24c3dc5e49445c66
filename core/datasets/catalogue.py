"""Every data set that can be named: what it is and is not, its size, licence and citation.

Importing this table costs nothing; pixels, torch and the network come in only when `load` is called.
Download sizes are the servers' Content-Length, summed over the files that are fetched.
"""

from dataclasses import dataclass

from core.errors import one_of


@dataclass(frozen=True, kw_only=True)
class DatasetEntry:
    """One row of the catalogue; ``images`` counts all parts, ``pixels`` is the usual shorter side."""

    name: str
    title: str
    kind: str  # "builtin" or "download"
    about: str  # what it is and is not, for the screen
    classes: int
    images: int
    pixels: int
    download_bytes: int
    similarity: str  # to the source task, everyday photographs: "similar", "between" or "different"
    similarity_note: str
    licence: str
    citation: str


_SKIMAGE = "van der Walt et al., scikit-image: image processing in Python, PeerJ 2:e453, 2014."

_ENTRIES = (
    DatasetEntry(
        name="everyday-closeups",
        title="Everyday close-ups",
        kind="builtin",
        about=(
            "Close-ups, 72 pixels wide, from twelve photographs: a cat, a cup of coffee, a motorcycle, a pagoda and "
            "more. The task: which photograph does this piece come from? Test pieces come from one half of each "
            "photograph, training pieces from the other, where they overlap: so validation, drawn from them, is "
            "easier than the test. It is not a test of knowing cats in general: each class is a single photograph."
        ),
        classes=12,
        images=522,
        pixels=72,
        download_bytes=0,
        similarity="similar",
        similarity_note="Photographs of everyday things and textures, as in the source task.",
        licence=(
            "CC0, public domain or no known restrictions; motorcycle: Middlebury 2014 benchmark, to be cited; flower "
            "and pagoda: CC BY 2.0"
        ),
        citation=_SKIMAGE
        + " Motorcycle: Scharstein et al., GCPR 2014. Flower and pagoda: photographs on Flickr by "
        "vultilion (6056698931) and danielbuechele (6061409035), shipped with scikit-learn.",
    ),
    DatasetEntry(
        name="science-closeups",
        title="Science close-ups",
        kind="builtin",
        about=(
            "Close-ups, 64 pixels wide, from five scientific pictures: a cell in saline, stained tissue (two classes), "
            "the deep sky, the moon and a retina. All are grey with stretched contrast, so that only texture and shape "
            "tell them apart. Test pieces come from one half of each picture, training pieces from the other, where "
            "they overlap: so validation, drawn from them, is easier than the test. It is not medical data: one "
            "picture stands for each subject, and gland and connective tissue are told apart by a rule on the "
            "stain's colour."
        ),
        classes=6,
        images=367,
        pixels=64,
        download_bytes=0,
        similarity="different",
        similarity_note="Microscopes and telescopes; no everyday object anywhere.",
        licence="CC0, public domain, or no known copyright restrictions",
        citation=_SKIMAGE,
    ),
    DatasetEntry(
        name="everyday-patches",
        title="Everyday patches",
        kind="builtin",
        about=(
            "Cut-outs of 32 × 32 pixels from twelve photographs: a cat, a cup of coffee, grass, gravel, a motorcycle "
            "and more. The task: which photograph does this piece come from? The test pieces come from the right-hand "
            "part of each photograph, the training pieces from the rest. It is not a test of knowing cats in general: "
            "each class is a single photograph."
        ),
        classes=12,
        images=1413,
        pixels=32,
        download_bytes=0,
        similarity="similar",
        similarity_note="Photographs of everyday things and textures, as in the source task.",
        licence="CC0, public domain or no known restrictions; motorcycle: Middlebury 2014 benchmark, to be cited",
        citation=_SKIMAGE + " Motorcycle: Scharstein et al., GCPR 2014.",
    ),
    DatasetEntry(
        name="science-patches",
        title="Science patches",
        kind="builtin",
        about=(
            "Cut-outs of 24 × 24 pixels from five scientific pictures: a cell in saline, stained tissue (two classes), "
            "the deep sky, the moon and a retina. All are grey with stretched contrast, so that only texture tells "
            "them apart. Test and training pieces come from separate regions. It is not medical data: one picture "
            "stands for each subject, and gland and connective tissue are told apart by a rule on the stain's colour."
        ),
        classes=6,
        images=1154,
        pixels=24,
        download_bytes=0,
        similarity="different",
        similarity_note="Microscopes and telescopes; no everyday object anywhere.",
        licence="CC0, public domain, or no known copyright restrictions",
        citation=_SKIMAGE,
    ),
    DatasetEntry(
        name="digits",
        title="Handwritten digits",
        kind="builtin",
        about=(
            "1,797 real scans of handwritten digits, 8 × 8 pixels each, enlarged. It is not MNIST: smaller, "
            "and so easy that even a simple classifier does well."
        ),
        classes=10,
        images=1797,
        pixels=8,
        download_bytes=0,
        similarity="different",
        similarity_note="White strokes on black, and very few pixels.",
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Repository, 1998.",
    ),
    DatasetEntry(
        name="lfw-faces",
        title="Face or no face",
        kind="builtin",
        about=(
            "100 small grey faces and 100 pieces of background from the same photographs, 25 × 25 pixels each. "
            "It is about finding faces, not about recognising people, and easy: the background is often blurred or "
            "cut off. With 200 images every figure has a wide interval."
        ),
        classes=2,
        images=200,
        pixels=25,
        download_bytes=0,
        similarity="between",
        similarity_note="Cut from photographs, but grey, tiny and only of faces.",
        licence="No licence stated by Labeled Faces in the Wild; shipped with scikit-image (BSD)",
        citation="Huang et al., Labeled Faces in the Wild, UMass Amherst Technical Report 07-49, 2007. "
        + _SKIMAGE,
    ),
    DatasetEntry(
        name="hymenoptera",
        title="Ants and bees",
        kind="download",
        about=(
            "The ants and bees of PyTorch's transfer-learning tutorial. A classic, but not a fine measure: with 153 "
            "test images, differences below five points mean little."
        ),
        classes=2,
        images=397,
        pixels=400,
        download_bytes=47_286_322,
        similarity="similar",
        similarity_note="Photographs of insects; bees are among the source task's classes, ants are not.",
        licence="Not stated; the photographs are a small part of ImageNet",
        citation="Chilamkurthy, Transfer Learning for Computer Vision, PyTorch tutorials.",
    ),
    DatasetEntry(
        name="cifar10",
        title="CIFAR-10",
        kind="download",
        about="Tiny photographs of ten things, from airplanes to trucks. It is not about detail: 32 × 32 pixels.",
        classes=10,
        images=60_000,
        pixels=32,
        download_bytes=170_498_071,
        similarity="similar",
        similarity_note="Photographs of things and animals, at lower resolution.",
        licence="No licence stated by its authors; used freely in research",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
    ),
    DatasetEntry(
        name="cifar100",
        title="CIFAR-100",
        kind="download",
        about=(
            "Tiny photographs of a hundred things, 32 × 32 pixels. It is not much data per class: 500 training images."
        ),
        classes=100,
        images=60_000,
        pixels=32,
        download_bytes=169_001_437,
        similarity="similar",
        similarity_note="Photographs of things and animals, at lower resolution.",
        licence="No licence stated by its authors; used freely in research",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
    ),
    DatasetEntry(
        name="stl10",
        title="STL-10",
        kind="download",
        about=(
            "Ten classes like CIFAR-10's, at 96 pixels: 500 labelled training images per class. Its 100,000 "
            "unlabelled images are in the download, but not used here. It was taken from ImageNet, so an "
            "ImageNet backbone may have seen some of its pictures."
        ),
        classes=10,
        images=13_000,
        pixels=96,
        download_bytes=2_640_397_119,
        similarity="similar",
        similarity_note="Cut from ImageNet itself.",
        licence="No licence stated by its authors; used freely in research",
        citation="Coates, Ng and Lee, Single-Layer Networks in Unsupervised Feature Learning, AISTATS 2011.",
    ),
    DatasetEntry(
        name="fashion-mnist",
        title="Fashion-MNIST",
        kind="download",
        about="Grey product pictures of clothes, 28 × 28 pixels. It is not photographs of people wearing them.",
        classes=10,
        images=70_000,
        pixels=28,
        download_bytes=30_878_645,
        similarity="between",
        similarity_note="Real objects, but grey, centred and on black.",
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017.",
    ),
    DatasetEntry(
        name="flowers102",
        title="Oxford Flowers",
        kind="download",
        about=(
            "102 kinds of flowers with only ten training images each; the authors' ten validation images per class "
            "join them here, and most images are for testing. It is not balanced: common flowers have more test images."
        ),
        classes=102,
        images=8_189,
        pixels=500,
        download_bytes=344_862_509 + 502 + 14_989,
        similarity="similar",
        similarity_note="Photographs, but all of one kind of thing, told apart by detail.",
        licence="No licence stated by its authors; for research",
        citation="Nilsback and Zisserman, Automated Flower Classification over a Large Number of Classes, ICVGIP 2008.",
    ),
    DatasetEntry(
        name="oxford-pets",
        title="Oxford-IIIT Pets",
        kind="download",
        about="37 breeds of cats and dogs. It asks for the breed, not for cat or dog.",
        classes=37,
        images=7_349,
        pixels=375,
        download_bytes=791_918_971 + 19_173_078,
        similarity="similar",
        similarity_note="The source task has many cats and dogs.",
        licence="CC BY-SA 4.0",
        citation="Parkhi, Vedaldi, Zisserman and Jawahar, Cats and Dogs, CVPR 2012.",
    ),
    DatasetEntry(
        name="eurosat",
        title="EuroSAT",
        kind="download",
        about=(
            "Satellite pictures of land use in Europe, 64 × 64 pixels (Sentinel-2, red, green and blue only). "
            "Its authors set no test part aside, so one is drawn, and it is not kept from showing places next to "
            "those of the training part."
        ),
        classes=10,
        images=27_000,
        pixels=64,
        download_bytes=94_280_567,
        similarity="different",
        similarity_note="Land seen from above, without objects.",
        licence="MIT",
        citation="Helber, Bischke, Dengel and Borth, EuroSAT, IEEE JSTARS 12(7), 2019.",
    ),
    DatasetEntry(
        name="dtd",
        title="Describable textures",
        kind="download",
        about=(
            "47 textures in words: banded, bubbly, cracked … (first of the authors' ten partitions; its "
            "training and validation parts together). A label is not the only truth: several words may fit an image."
        ),
        classes=47,
        images=5_640,
        pixels=450,
        download_bytes=625_239_812,
        similarity="between",
        similarity_note="Photographs, but of surfaces instead of things.",
        licence="No licence stated by its authors; for research",
        citation="Cimpoi, Maji, Kokkinos, Mohamed and Vedaldi, Describing Textures in the Wild, CVPR 2014.",
    ),
    DatasetEntry(
        name="gtsrb",
        title="German traffic signs",
        kind="download",
        about=(
            "43 kinds of traffic signs, cut from films of a drive: about thirty training images in a row show one "
            "sign coming nearer, so validation images resemble training images more than test images do. It is not "
            "balanced."
        ),
        classes=43,
        images=39_270,
        pixels=40,
        download_bytes=187_490_228 + 88_978_620 + 99_620,
        similarity="between",
        similarity_note="Photographs, but of drawn symbols.",
        licence="CC0",
        citation="Stallkamp, Schlipsing, Salmen and Igel, Man vs. computer, Neural Networks 32, 2012.",
    ),
    DatasetEntry(
        name="food101",
        title="Food-101",
        kind="download",
        about=(
            "101 dishes, photographed by those who ate them; the first 100 training and 50 test images of each are "
            "used here. The training labels were not cleaned, so some are wrong; the test labels were checked."
        ),
        classes=101,
        images=15_150,
        pixels=384,
        download_bytes=4_996_278_331,
        similarity="similar",
        similarity_note="Photographs of food; the source task has a few dishes.",
        licence="No licence stated; the photographs belong to Foodspotting's users, for research",
        citation="Bossard, Guillaumin and Van Gool, Food-101, ECCV 2014.",
    ),
)

DATASETS: dict[str, DatasetEntry] = {entry.name: entry for entry in _ENTRIES}


def entry(name: str) -> DatasetEntry:
    """Look up one row. Raises `SettingsError`, naming the choices, for an unknown name."""
    one_of("The data set", name, DATASETS)
    return DATASETS[name]
