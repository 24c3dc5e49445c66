"""Networks of timm's that are worth a place in a list: small and base sizes of many families. Torch-free.

What timm states of each (preprocessing, licence, size) and what was measured stand in ``measured.json``, written by
``tools/measure_catalogue.py``; a test compares both with the timm that is installed. Accuracies are timm's own, from
its results table, at the side that stands beside them. Any other name of timm's gets its entry from `measuring`.
"""

from dataclasses import dataclass
from typing import Any

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry, StageEntry

_TIMM = "https://github.com/huggingface/pytorch-image-models"
_RESULTS = f"{_TIMM}/blob/main/results/results-imagenet.csv"
_UNSTATED = f"timm's table of results does not list it, {_RESULTS}"
_UNREAD = f"see timm's table of results, {_RESULTS}"
_IMAGES = (
    " The weights were learned from ImageNet, whose images are licensed for non-commercial research and "
    "education only."
)

_FREE = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
}
_CONDITIONS = {
    "cc-by-nc-4.0": "Its licence, CC-BY-NC-4.0, forbids commercial use.",
    "fair-noncommercial-research-license": "Its licence allows non-commercial research only.",
    "seer-license": "Its licence (SEER) forbids commercial use.",
    "apple-amlr": "Its licence (Apple's for machine learning research) allows research only.",
    "unknown": "timm does not know its licence: ask its authors before you use it for more than study.",
}


@dataclass(frozen=True, kw_only=True)
class CuratedNetwork:
    """What is said of a network that timm does not state itself. Accuracies in per cent, at ``pixels``."""

    title: str
    about: str
    citation: str
    top1: float | None = None
    top5: float | None = None
    pixels: int = 0


_RESNET = "He et al. 2016, Deep residual learning for image recognition, arXiv 1512.03385"
_AGAIN = "Wightman et al. 2021, ResNet strikes back, arXiv 2110.00476"
_VIT = "Dosovitskiy et al. 2021, An image is worth 16x16 words, arXiv 2010.11929"
_AUGREG = "Steiner et al. 2021, How to train your ViT?, arXiv 2106.10270"
_DINOV2 = "Oquab et al. 2023, DINOv2: Learning robust visual features without supervision, arXiv 2304.07193"
_CLIP = "Radford et al. 2021, Learning transferable visual models from natural language supervision, arXiv 2103.00020"
_EVA = "Fang et al. 2023, EVA-02: A visual representation for neon genesis, arXiv 2303.11331"
_CONVNEXT2 = "Woo et al. 2023, ConvNeXt V2, arXiv 2301.00808"
_MOBILENET4 = "Qin et al. 2024, MobileNetV4: Universal models for the mobile ecosystem, arXiv 2404.10518"
_EFFICIENTNET2 = "Tan & Le 2021, EfficientNetV2: Smaller models and faster training, arXiv 2104.00298"
_REGNET = "Radosavovic et al. 2020, Designing network design spaces, arXiv 2003.13678"

CURATED: dict[str, CuratedNetwork] = {
    "timm:resnet10t.c3_in1k": CuratedNetwork(
        title="ResNet-10-T",
        about="The smallest residual network: one block a layer, and a deeper stem.",
        citation=_RESNET,
        top1=68.358,
        top5=88.040,
        pixels=224,
    ),
    "timm:resnet26d.bt_in1k": CuratedNetwork(
        title="ResNet-26-D",
        about="Half a ResNet-50, with a deeper stem and gentler downsampling.",
        citation=f"{_RESNET}; He et al. 2018, Bag of tricks, arXiv 1812.01187",
        top1=77.408,
        top5=93.638,
        pixels=288,
    ),
    "timm:resnet50.a1_in1k": CuratedNetwork(
        title="ResNet-50 (A1 recipe)",
        about="The workhorse, trained with the recipe of 2021: more accurate, yet its frozen features transfer worse.",
        citation=f"{_RESNET}; {_AGAIN}",
        top1=81.214,
        top5=95.102,
        pixels=288,
    ),
    "timm:resnext50_32x4d.a1h_in1k": CuratedNetwork(
        title="ResNeXt-50 32×4d",
        about="ResNet-50 whose convolutions work in 32 groups side by side.",
        citation=f"Xie et al. 2017, Aggregated residual transformations, arXiv 1611.05431; {_AGAIN}",
        top1=82.014,
        top5=95.934,
        pixels=288,
    ),
    "timm:seresnext26d_32x4d.bt_in1k": CuratedNetwork(
        title="SE-ResNeXt-26-D",
        about="A small ResNeXt that weighs its channels by what the whole picture shows.",
        citation="Hu et al. 2018, Squeeze-and-excitation networks, arXiv 1709.01507",
        top1=78.814,
        top5=94.240,
        pixels=288,
    ),
    "timm:regnety_004.tv2_in1k": CuratedNetwork(
        title="RegNetY-400MF (2022)",
        about="The small member of a family whose widths and depths follow one simple rule, trained longer.",
        citation=_REGNET,
        top1=75.598,
        top5=92.696,
        pixels=224,
    ),
    "timm:regnety_016.tv2_in1k": CuratedNetwork(
        title="RegNetY-1.6GF (2022)",
        about="A larger RegNet with the work of half a ResNet-50.",
        citation=_REGNET,
        top1=80.668,
        top5=95.330,
        pixels=224,
    ),
    "timm:tf_efficientnetv2_b0.in1k": CuratedNetwork(
        title="EfficientNetV2-B0",
        about="EfficientNet with plain convolutions in its first blocks: faster to train.",
        citation=_EFFICIENTNET2,
        top1=78.358,
        top5=94.014,
        pixels=224,
    ),
    "timm:tf_efficientnetv2_s.in21k_ft_in1k": CuratedNetwork(
        title="EfficientNetV2-S",
        about="Learned from 21,000 classes first, then from ImageNet's 1,000.",
        citation=_EFFICIENTNET2,
        top1=84.288,
        top5=97.252,
        pixels=384,
    ),
    "timm:mobilenetv3_large_100.ra_in1k": CuratedNetwork(
        title="MobileNetV3 large (RA recipe)",
        about="Found by search for phones, trained with stronger augmentation than the original.",
        citation="Howard et al. 2019, Searching for MobileNetV3, arXiv 1905.02244",
        top1=75.766,
        top5=92.538,
        pixels=224,
    ),
    "timm:mobilenetv4_conv_small.e2400_r224_in1k": CuratedNetwork(
        title="MobileNetV4 conv small",
        about="Made to be fast on every phone's processor; of all here, the least work.",
        citation=_MOBILENET4,
    ),
    "timm:mobilenetv4_hybrid_medium.e500_r224_in1k": CuratedNetwork(
        title="MobileNetV4 hybrid medium",
        about="Convolutions first, a light attention in the last blocks.",
        citation=_MOBILENET4,
    ),
    "timm:convnext_tiny.in12k_ft_in1k": CuratedNetwork(
        title="ConvNeXt tiny (12k)",
        about="A convolutional network rebuilt with what transformers taught, learned from 12,000 classes first.",
        citation="Liu et al. 2022, A ConvNet for the 2020s, arXiv 2201.03545",
        top1=84.450,
        top5=97.340,
        pixels=288,
    ),
    "timm:convnextv2_atto.fcmae_ft_in1k": CuratedNetwork(
        title="ConvNeXt V2 atto",
        about="The smallest ConvNeXt, which first learned to fill in masked pictures.",
        citation=_CONVNEXT2,
        top1=77.760,
        top5=93.726,
        pixels=288,
    ),
    "timm:convnextv2_nano.fcmae_ft_in22k_in1k": CuratedNetwork(
        title="ConvNeXt V2 nano",
        about="Learned from masked pictures, then 22,000 classes, then ImageNet's 1,000.",
        citation=_CONVNEXT2,
        top1=82.664,
        top5=96.520,
        pixels=288,
    ),
    "timm:densenet121.ra_in1k": CuratedNetwork(
        title="DenseNet-121 (RA recipe)",
        about="Every layer sees the outputs of all layers before it in its block; trained with a newer recipe.",
        citation="Huang et al. 2017, Densely connected convolutional networks, arXiv 1608.06993",
        top1=76.500,
        top5=93.368,
        pixels=288,
    ),
    "timm:repvgg_a2.rvgg_in1k": CuratedNetwork(
        title="RepVGG-A2",
        about="Learns with side branches that could be folded into one plain convolution afterwards.",
        citation="Ding et al. 2021, RepVGG: Making VGG-style ConvNets great again, arXiv 2101.03697",
        top1=76.458,
        top5=93.002,
        pixels=224,
    ),
    "timm:eca_nfnet_l0.ra2_in1k": CuratedNetwork(
        title="ECA-NFNet-L0",
        about="Works without any normalisation layer, so freezing has no BatchNorm to hold still.",
        citation="Brock et al. 2021, High-performance image recognition without normalization, arXiv 2102.06171",
        top1=82.578,
        top5=96.494,
        pixels=288,
    ),
    "timm:edgenext_small.usi_in1k": CuratedNetwork(
        title="EdgeNeXt small",
        about="A small mixture of convolutions and attention between channels.",
        citation="Maaz et al. 2022, EdgeNeXt, arXiv 2206.10589",
        top1=81.564,
        top5=95.712,
        pixels=320,
    ),
    "timm:caformer_s18.sail_in1k": CuratedNetwork(
        title="CAFormer-S18",
        about="Convolutions in the first two stages, attention in the last two.",
        citation="Yu et al. 2022, MetaFormer baselines for vision, arXiv 2210.13452",
        top1=83.656,
        top5=96.516,
        pixels=224,
    ),
    "timm:coatnet_0_rw_224.sw_in1k": CuratedNetwork(
        title="CoAtNet-0",
        about="Convolution, then attention with relative positions.",
        citation="Dai et al. 2021, CoAtNet: Marrying convolution and attention, arXiv 2106.04803",
        top1=82.390,
        top5=95.836,
        pixels=224,
    ),
    "timm:maxvit_tiny_tf_224.in1k": CuratedNetwork(
        title="MaxViT tiny",
        about="Attention within windows, then across a grid of them: near and far in every block.",
        citation="Tu et al. 2022, MaxViT: Multi-axis vision transformer, arXiv 2204.01697",
        top1=83.402,
        top5=96.590,
        pixels=224,
    ),
    "timm:swinv2_tiny_window8_256.ms_in1k": CuratedNetwork(
        title="Swin transformer V2 tiny",
        about="Attention through small shifted windows, with positions that are computed.",
        citation="Liu et al. 2022, Swin transformer V2, arXiv 2111.09883",
        top1=81.820,
        top5=95.994,
        pixels=256,
    ),
    "timm:mixer_b16_224.miil_in21k_ft_in1k": CuratedNetwork(
        title="MLP-Mixer B/16",
        about="Neither convolution nor attention: dense layers across patches, then across channels.",
        citation="Tolstikhin et al. 2021, MLP-Mixer: An all-MLP architecture for vision, arXiv 2105.01601",
        top1=82.306,
        top5=95.720,
        pixels=224,
    ),
    "timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k": CuratedNetwork(
        title="Vision transformer Ti/16",
        about="The smallest plain vision transformer, learned from 21,000 classes first.",
        citation=f"{_VIT}; {_AUGREG}",
        top1=75.454,
        top5=92.844,
        pixels=224,
    ),
    "timm:vit_base_patch16_224.augreg2_in21k_ft_in1k": CuratedNetwork(
        title="Vision transformer B/16 (21k)",
        about="The plain vision transformer of base size, learned from 21,000 classes first.",
        citation=f"{_VIT}; {_AUGREG}",
        top1=85.096,
        top5=97.530,
        pixels=224,
    ),
    "timm:deit_tiny_patch16_224.fb_in1k": CuratedNetwork(
        title="DeiT tiny",
        about="A vision transformer that learned from ImageNet's pictures alone.",
        citation="Touvron et al. 2021, Training data-efficient image transformers, arXiv 2012.12877",
        top1=72.172,
        top5=91.112,
        pixels=224,
    ),
    "timm:deit3_small_patch16_224.fb_in22k_ft_in1k": CuratedNetwork(
        title="DeiT III small",
        about="A plain vision transformer with a better recipe, learned from 22,000 classes first.",
        citation="Touvron et al. 2022, DeiT III: Revenge of the ViT, arXiv 2204.07118",
        top1=83.074,
        top5=96.776,
        pixels=224,
    ),
    "timm:vit_small_patch14_dinov2.lvd142m": CuratedNetwork(
        title="DINOv2 S/14",
        about="Learned from 142 million pictures without any label; its frozen features are its strength.",
        citation=_DINOV2,
    ),
    "timm:vit_base_patch14_dinov2.lvd142m": CuratedNetwork(
        title="DINOv2 B/14",
        about="DINOv2 at base size: one of the best frozen feature extractors that a single GPU can use.",
        citation=_DINOV2,
    ),
    "timm:vit_base_patch32_clip_224.openai": CuratedNetwork(
        title="CLIP image tower B/32",
        about="The half of CLIP that looks: learned from 400 million pictures with their captions.",
        citation=_CLIP,
    ),
    "timm:vit_base_patch16_clip_224.laion2b": CuratedNetwork(
        title="OpenCLIP image tower B/16",
        about="CLIP learned again, in the open, from two billion pictures with captions.",
        citation=f"{_CLIP}; Cherti et al. 2023, Reproducible scaling laws, arXiv 2212.07143",
    ),
    "timm:vit_base_patch16_siglip_224.webli": CuratedNetwork(
        title="SigLIP image tower B/16",
        about="Pictures with captions again, each pair judged alone; it pools by attention.",
        citation="Zhai et al. 2023, Sigmoid loss for language image pre-training, arXiv 2303.15343",
    ),
    "timm:beit_base_patch16_224.in22k_ft_in22k_in1k": CuratedNetwork(
        title="BEiT B/16",
        about="Learned to predict what masked patches stand for, then 22,000 classes.",
        citation="Bao et al. 2021, BEiT: BERT pre-training of image transformers, arXiv 2106.08254",
        top1=85.212,
        top5=97.658,
        pixels=224,
    ),
    "timm:eva02_tiny_patch14_224.mim_in22k": CuratedNetwork(
        title="EVA-02 tiny",
        about="Learned to predict CLIP's features of masked patches; it names no classes yet.",
        citation=_EVA,
    ),
    "timm:eva02_tiny_patch14_336.mim_in22k_ft_in1k": CuratedNetwork(
        title="EVA-02 tiny, 336 pixels",
        about="EVA-02 tiny, taught ImageNet's 1,000 classes at a larger size.",
        citation=_EVA,
        top1=80.630,
        top5=95.526,
        pixels=336,
    ),
}

NAMES = tuple(CURATED)


def make(name: str, figures: dict[str, Any], said: CuratedNetwork | None) -> BackboneEntry:
    """Put together what was measured, what timm states (both in ``figures``), and what is ``said`` beyond that."""
    stated = figures["stated"]
    licence = stated["licence"]
    free = _FREE.get(licence)
    conditions = "" if free else _CONDITIONS.get(licence, _own_licence(licence, stated["page"]))
    names = stated["classes"]
    accuracy = said.top1 if said else None
    top5 = said.top5 if said else None
    return BackboneEntry(
        name=name,
        title=said.title if said else name.removeprefix(catalogue.TIMM_PREFIX),
        about=said.about
        if said
        else "A network of timm's by its name; its stages were read off the network itself.",
        parameters=figures["parameters"],
        multiply_adds=figures["multiply_adds"],
        origin="timm",
        image_size=stated["image_size"],
        finetune_size=stated["finetune_size"],
        resize=stated["resize"],
        interpolation=stated["interpolation"],
        smallest_size=stated["smallest_size"],
        fixed_size=stated["fixed_size"],
        size_step=stated["size_step"],
        source=_source(name, names),
        source_classes=names,
        accuracy=None if accuracy is None else round(accuracy / 100, 5),
        accuracy_top5=None if top5 is None else round(top5 / 100, 5),
        accuracy_source=(
            (_UNSTATED if said else _UNREAD)
            if said is None or accuracy is None
            else f"timm, ImageNet validation at {said.pixels} pixels, {_RESULTS}"
        ),
        mean=tuple(stated["mean"]),
        std=tuple(stated["std"]),
        normalisation_source=f"timm's configuration of {name.removeprefix(catalogue.TIMM_PREFIX)}, {_TIMM}",
        licence=f"{free or licence} (as timm states, {stated['page']}).{_IMAGES if names else ''}",
        conditions=conditions,
        citation=said.citation if said else stated["papers"] or f"timm, {_TIMM}",
        download_bytes=stated["bytes"],
        feature_size=figures["feature_size"],
        stages=tuple(StageEntry(**stage) for stage in figures["stages"]),
    )


def _own_licence(licence: str, page: str) -> str:
    return f"Its licence, {licence}, sets conditions of its own: read it before you use the weights, {page}."


def _source(name: str, classes: int) -> str:
    tag = name.rpartition(".")[2]
    if classes == 1000:
        first = next((what for key, what in _FIRST.items() if key in tag), "")
        return f"{first}ImageNet-1K: 1.28 million photographs of 1,000 classes"
    if classes:
        return f"ImageNet with {classes:,} classes"
    return next(
        (what for key, what in _UNNAMED.items() if key in tag), "pictures without classes that have names"
    )


_FIRST = {
    "in22k": "first ImageNet-22K, then ",
    "in21k": "first ImageNet-21K, then ",
    "in12k": "first 12,000 classes of ImageNet-22K, then ",
}
_UNNAMED = {
    "lvd142m": "LVD-142M: 142 million photographs, without labels",
    "lvd1689m": "LVD-1689M: 1.7 billion photographs, without labels",
    "openai": "400 million pictures with captions, collected by OpenAI",
    "laion2b": "LAION-2B: two billion pictures with captions",
    "webli": "WebLI: pictures with captions, collected by Google",
    "mim_in22k": "ImageNet-22K, as masked pictures, without labels",
}

ENTRIES: dict[str, BackboneEntry] = {
    name: make(name, catalogue.measured(name), said)
    for name, said in CURATED.items()
    if catalogue.is_measured(name)
}
