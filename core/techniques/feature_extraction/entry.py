"""Feature extraction: what a pretrained network sees, against what people designed by hand. Torch-free."""

from dataclasses import dataclass

from core.settings import setting
from core.techniques.technique import Arm, Axis, BuiltInData, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class FeatureExtractionSettings(Settings):
    """What to recognise, from how many images, and how strictly features are chosen."""

    data: BuiltInData = setting(
        "everyday-closeups", "The pictures to tell apart; all six sets ship with the lab.", title="Pictures"
    )
    most: int = setting(
        20,
        "The largest number of labelled images of each class; smaller numbers are tried too.",
        2,
        100,
        title="Most labelled images",
    )
    test_images: int = setting(20, "At most so many test images of each class.", 2, 100)
    strictness: float = setting(
        0.05,
        "How strictly features of all stages are chosen: the penalty, as a share of the one at which none is left.",
        0.005,
        0.9,
        title="Strictness of choice",
    )


TECHNIQUE = Technique(
    name="feature-extraction",
    title="Feature extraction",
    question="Do features that a network learned on other pictures tell yours apart better than hand-made ones?",
    gist="A pretrained network looks at every picture once, and what its stages answer is kept as a list of numbers. "
    "Only a linear classifier learns, in milliseconds, on those numbers. Every kind of feature here gets the same "
    "pictures and the same classifier.",
    transferred="features",
    differs="task",
    source="1,000 classes of photographs (ImageNet), learned by EfficientNet-Lite0",
    target="a few labelled pictures of other things",
    quantities=(Quantity(name="accuracy", title="Accuracy on test images"),),
    arms=(
        Arm(
            name="last-stage",
            title="Last stage",
            role="method",
            what="The pretrained network's last stage, averaged over the picture: 1,280 numbers.",
        ),
        Arm(
            name="all-stages",
            title="All stages",
            role="method",
            what="The averages of all six stages side by side: 1,792 numbers, from edges to objects.",
        ),
        Arm(
            name="chosen",
            title="Chosen from all stages",
            role="method",
            what="Of all stages only those features that a group lasso picks on the training images, as Head2Toe does.",
        ),
        Arm(
            name="hog",
            title="Edges (HOG)",
            role="baseline",
            what="Histograms of edge directions in cells of 8 × 8 pixels: 2,916 numbers, designed by hand.",
        ),
        Arm(
            name="words",
            title="Visual words (SIFT)",
            role="baseline",
            what="How often each of 100 kinds of corners and blobs occurs; the kinds come from the training images.",
        ),
        Arm(
            name="colours",
            title="Colour histogram",
            role="baseline",
            what="How often each of 64 colours occurs, wherever it occurs.",
        ),
        Arm(
            name="pixels",
            title="Raw pixels",
            role="baseline",
            what="The picture itself at 32 × 32 pixels: 3,072 numbers.",
        ),
        Arm(
            name="random",
            title="Untrained network",
            role="control",
            what="The last stage of the same network with random weights: its shape without its knowledge.",
        ),
    ),
    verdict=("last-stage", "hog"),
    settings=FeatureExtractionSettings,
    papers=(
        Paper(text="Donahue et al. 2014, DeCAF, arXiv 1310.1531", url="https://arxiv.org/abs/1310.1531"),
        Paper(text="Sharif Razavian et al. 2014, arXiv 1403.6382", url="https://arxiv.org/abs/1403.6382"),
        Paper(text="Evci et al. 2022, Head2Toe, arXiv 2201.03529", url="https://arxiv.org/abs/2201.03529"),
        Paper(text="Dalal & Triggs 2005, HOG", url="https://doi.org/10.1109/CVPR.2005.177"),
        Paper(text="Lowe 2004, SIFT, IJCV 60(2)", url="https://doi.org/10.1023/B:VISI.0000029664.99615.94"),
    ),
    code=(
        "core.techniques.feature_extraction.features:stage_features",
        "core.techniques.feature_extraction.selection:chosen",
        "core.techniques.feature_extraction.readout:right",
    ),
    axis=Axis(title="Labelled images of each class", logarithmic=True),
    remark="Choose the digits: there hand-made edges beat the network's last stage by 22.2 points [20.0, 24.3] "
    "(measured with this experiment, 5 seeds), for the source had no digits. An untrained network is no empty one: "
    "look at what its first stage reads. Evci et al. 2022 found that features of all stages match full fine-tuning "
    "on average over the 19 tasks of VTAB-1k (arXiv 2201.03529).",
)
