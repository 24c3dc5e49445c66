"""Every architecture family declares its stages once, by name, in this file; nothing is guessed by index.

What comes out of a stage is a map (B, C, H, W), a vector (B, C), or, for the vision transformer only,
tokens (B, 1 + H·W, C) whose first one is the class token. Stages never change their input in place.
``neck`` holds no parameters; what it returns is what the original network's last linear layer saw.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from core import errors
from core.backbones.backbone import Backbone, Stage

# --- modules that torchvision writes as lines of a forward method -------------------------------------


class _GlobalAverage(nn.Module):
    """Map (B, C, H, W) -> mean over positions (B, C)."""

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(features, 1).flatten(1)


class _NormalisedAverage(_GlobalAverage):
    """Global average, then scaled to mean 0 and variance 1 over the channels of each image."""

    def forward(self, features: Tensor) -> Tensor:
        pooled = super().forward(features)
        return nn.functional.layer_norm(pooled, pooled.shape[1:], eps=1e-6)


class ClassToken(nn.Module):
    """Tokens (B, T, C) -> the class token (B, C)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Take the first token."""
        return tokens[:, 0]


class _Patches(nn.Module):
    """Images (B, 3, S, S) -> class token, then one token per patch, with positions added (B, T, C)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.image_size: int = network.image_size
        self.conv_proj = network.conv_proj
        self.class_token = network.class_token
        self.pos_embedding = network.encoder.pos_embedding
        self.dropout = network.encoder.dropout

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise errors.SettingsError(
                f"This vision transformer knows the positions of a {self.image_size} × {self.image_size} image "
                f"only; it was given {images.shape[-1]} × {images.shape[-2]} pixels."
            )
        patches = self.conv_proj(images).flatten(2).transpose(1, 2)  # (B, H·W, C)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        embedded: Tensor = self.dropout(tokens + self.pos_embedding)
        return embedded


class _ChannelsLast(nn.Module):
    """Let modules that work on (B, H, W, C) stand between maps (B, C, H, W)."""

    def __init__(self, inner: nn.Module, *, image_input: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.image_input = image_input

    def forward(self, features: Tensor) -> Tensor:
        if not self.image_input:
            features = features.permute(0, 2, 3, 1)
        result: Tensor = self.inner(features).permute(0, 3, 1, 2)
        return result


# --- the families ------------------------------------------------------------------------------------


def _named(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


def _stages(*rows: tuple[str, nn.Module, int, int]) -> tuple[Stage, ...]:
    return tuple(Stage(name=n, module=m, channels=c, reduction=r) for n, m, c, r in rows)


def _resnet(name: str, network: Any) -> Backbone:
    stem = {"conv1": network.conv1, "bn1": network.bn1, "relu": network.relu}
    reduction = 2
    if hasattr(network, "maxpool"):
        stem["maxpool"] = network.maxpool
        reduction = 4
    neck, size = _GlobalAverage(), network.fc.in_features
    return Backbone(
        name=name,
        stages=_stages(
            ("stem", _named(**stem), network.conv1.out_channels, reduction),
            ("layer1", network.layer1, size // 8, reduction),
            ("layer2", network.layer2, size // 4, reduction * 2),
            ("layer3", network.layer3, size // 2, reduction * 4),
            ("layer4", network.layer4, size, reduction * 8),
        ),
        neck=neck,
        feature_size=size,
        head=nn.Sequential(neck, network.fc),
    )


def _squeezenet(groups: tuple[tuple[str, int, int, int, int], ...]) -> Callable[[str, Any], Backbone]:
    """Declare a SqueezeNet: groups are (name, first module, after the last, channels, reduction)."""

    def take_apart(name: str, network: Any) -> Backbone:
        return Backbone(
            name=name,
            stages=_stages(*((n, network.features[a:b], c, r) for n, a, b, c, r in groups)),
            neck=_GlobalAverage(),
            feature_size=512,
            # The original classifies every position, then averages the scores.
            head=_named(classifier=network.classifier, flatten=nn.Flatten()),
        )

    return take_apart


def _features(
    groups: tuple[tuple[str, int, int, int, int], ...],
) -> Callable[[str, Any], Backbone]:
    """Declare a MobileNetV2 or EfficientNet: groups are (name, first module, after the last, channels, reduction)."""

    def take_apart(name: str, network: Any) -> Backbone:
        neck, (dropout, linear) = _GlobalAverage(), network.classifier
        return Backbone(
            name=name,
            stages=_stages(*((n, network.features[a:b], c, r) for n, a, b, c, r in groups)),
            neck=neck,
            feature_size=linear.in_features,
            head=nn.Sequential(neck, dropout, linear),
        )

    return take_apart


def _timm_efficientnet(
    groups: tuple[tuple[str, int, int, int, int], ...],
) -> Callable[[str, Any], Backbone]:
    """Declare timm's EfficientNet: groups are (name, first of ``blocks``, after the last, channels, reduction).

    The stem goes with the first group; what stands between the blocks and the pooling is a stage, ``last_conv``.
    """

    def take_apart(name: str, network: Any) -> Backbone:
        rows = [(n, network.blocks[a:b], c, r) for n, a, b, c, r in groups]
        _, first, channels, reduction = rows[0]
        stem = _named(conv_stem=network.conv_stem, bn1=network.bn1, blocks=first)
        last = _named(conv_head=network.conv_head, bn2=network.bn2)
        neck, linear = _GlobalAverage(), network.classifier
        return Backbone(
            name=name,
            stages=_stages(
                ("stem", stem, channels, reduction),
                *rows[1:],
                ("last_conv", last, linear.in_features, rows[-1][3]),
            ),
            neck=neck,
            feature_size=linear.in_features,
            head=nn.Sequential(neck, linear),
        )

    return take_apart


def _mobilenet_v3(
    groups: tuple[tuple[str, int, int, int, int], ...],
) -> Callable[[str, Any], Backbone]:
    """Declare a MobileNetV3; the dense layer before its last one is a stage, ``fc``."""

    def take_apart(name: str, network: Any) -> Backbone:
        dense, activation, dropout, linear = network.classifier
        rows = [(n, network.features[a:b], c, r) for n, a, b, c, r in groups]
        fc = _named(average=_GlobalAverage(), dense=dense, activation=activation)
        neck = nn.Flatten()
        return Backbone(
            name=name,
            stages=_stages(*rows, ("fc", fc, dense.out_features, 224)),
            neck=neck,
            feature_size=linear.in_features,
            head=nn.Sequential(neck, dropout, linear),
        )

    return take_apart


def _vgg16(name: str, network: Any) -> Backbone:
    convolutions, dense, neck = network.features, network.classifier, nn.Flatten()
    fc6 = _named(
        average=network.avgpool, flatten=nn.Flatten(), dense=dense[0], relu=dense[1], dropout=dense[2]
    )
    return Backbone(
        name=name,
        stages=_stages(
            ("block1", convolutions[0:5], 64, 2),
            ("block2", convolutions[5:10], 128, 4),
            ("block3", convolutions[10:17], 256, 8),
            ("block4", convolutions[17:24], 512, 16),
            ("block5", convolutions[24:31], 512, 32),
            ("fc6", fc6, 4096, 224),
            ("fc7", dense[3:6], 4096, 224),
        ),
        neck=neck,
        feature_size=4096,
        head=nn.Sequential(neck, dense[6]),
    )


def _densenet121(name: str, network: Any) -> Backbone:
    f, neck = network.features, _GlobalAverage()
    return Backbone(
        name=name,
        stages=_stages(
            ("stem", f[0:4], 64, 4),
            ("dense1", _named(block=f.denseblock1, transition=f.transition1), 128, 8),
            ("dense2", _named(block=f.denseblock2, transition=f.transition2), 256, 16),
            ("dense3", _named(block=f.denseblock3, transition=f.transition3), 512, 32),
            ("dense4", _named(block=f.denseblock4, norm=f.norm5, relu=nn.ReLU(inplace=True)), 1024, 32),
        ),
        neck=neck,
        feature_size=1024,
        head=nn.Sequential(neck, network.classifier),
    )


def _regnet(name: str, network: Any) -> Backbone:
    neck, trunk = _GlobalAverage(), network.trunk_output
    return Backbone(
        name=name,
        stages=_stages(
            ("stem", network.stem, 32, 2),
            ("block1", trunk.block1, 48, 4),
            ("block2", trunk.block2, 104, 8),
            ("block3", trunk.block3, 208, 16),
            ("block4", trunk.block4, 440, 32),
        ),
        neck=neck,
        feature_size=440,
        head=nn.Sequential(neck, network.fc),
    )


def _convnext(name: str, network: Any) -> Backbone:
    f = network.features
    return Backbone(
        name=name,
        stages=_stages(
            ("stem", f[0], 96, 4),
            ("stage1", f[1], 96, 4),
            ("stage2", f[2:4], 192, 8),
            ("stage3", f[4:6], 384, 16),
            ("stage4", f[6:8], 768, 32),
        ),
        # The original normalises after pooling. Its learned gain and shift are part of its linear head, so a
        # new head starts behind the bare normalisation.
        neck=_NormalisedAverage(),
        feature_size=768,
        head=_named(average=network.avgpool, classifier=network.classifier),
    )


def _vit(name: str, network: Any) -> Backbone:
    layers, neck = network.encoder.layers, ClassToken()
    pairs = [(f"blocks{n + 1}_{n + 2}", layers[n : n + 2], 768, 16) for n in range(0, len(layers) - 2, 2)]
    last = _named(layers=layers[-2:], norm=network.encoder.ln)
    return Backbone(
        name=name,
        stages=_stages(
            ("patches", _Patches(network), 768, 16),
            *pairs,
            (f"blocks{len(layers) - 1}_{len(layers)}", last, 768, 16),
        ),
        neck=neck,
        feature_size=768,
        head=nn.Sequential(neck, network.heads),
    )


def _swin(name: str, network: Any) -> Backbone:
    f, neck = network.features, _GlobalAverage()
    last = _named(merge=f[6], blocks=f[7], norm=network.norm)
    return Backbone(
        name=name,
        stages=_stages(
            ("patches", _ChannelsLast(f[0], image_input=True), 96, 4),
            ("stage1", _ChannelsLast(f[1]), 96, 4),
            ("stage2", _ChannelsLast(f[2:4]), 192, 8),
            ("stage3", _ChannelsLast(f[4:6]), 384, 16),
            ("stage4", _ChannelsLast(last), 768, 32),
        ),
        neck=neck,
        feature_size=768,
        head=nn.Sequential(neck, network.head),
    )


# Max-pools stand at the end of the stage before them: what a freeze depth caches is then smallest.
FAMILIES: dict[str, Callable[[str, Any], Backbone]] = {
    "efficientnet_lite0": _timm_efficientnet(
        (
            ("stem", 0, 1, 16, 2),
            ("block1", 1, 2, 24, 4),
            ("block2", 2, 3, 40, 8),
            ("block3", 3, 5, 112, 16),
            ("block4", 5, 7, 320, 32),
        )
    ),
    "efficientnet_lite1": _timm_efficientnet(
        (
            ("stem", 0, 1, 16, 2),
            ("block1", 1, 2, 24, 4),
            ("block2", 2, 3, 40, 8),
            ("block3", 3, 5, 112, 16),
            ("block4", 5, 7, 320, 32),
        )
    ),
    "efficientnet_lite2": _timm_efficientnet(
        (
            ("stem", 0, 1, 16, 2),
            ("block1", 1, 2, 24, 4),
            ("block2", 2, 3, 48, 8),
            ("block3", 3, 5, 120, 16),
            ("block4", 5, 7, 352, 32),
        )
    ),
    "tiny_resnet18": _resnet,
    "resnet18": _resnet,
    "squeezenet1_0": _squeezenet(
        (
            ("stem", 0, 3, 96, 4),
            ("fire2_4", 3, 7, 256, 8),
            ("fire5_6", 7, 9, 384, 8),
            ("fire7_8", 9, 12, 512, 16),
            ("fire9", 12, 13, 512, 16),
        )
    ),
    "resnet34": _resnet,
    "resnet50": _resnet,
    "vgg16": _vgg16,
    "squeezenet1_1": _squeezenet(
        (
            ("stem", 0, 3, 64, 4),
            ("fire2_3", 3, 6, 128, 8),
            ("fire4_5", 6, 9, 256, 16),
            ("fire6_7", 9, 11, 384, 16),
            ("fire8_9", 11, 13, 512, 16),
        )
    ),
    "mobilenet_v2": _features(
        (
            ("stem", 0, 2, 16, 2),
            ("block1", 2, 4, 24, 4),
            ("block2", 4, 7, 32, 8),
            ("block3", 7, 11, 64, 16),
            ("block4", 11, 14, 96, 16),
            ("block5", 14, 18, 320, 32),
            ("last_conv", 18, 19, 1280, 32),
        )
    ),
    "mobilenet_v3_small": _mobilenet_v3(
        (
            ("stem", 0, 2, 16, 4),
            ("block1", 2, 4, 24, 8),
            ("block2", 4, 7, 40, 16),
            ("block3", 7, 9, 48, 16),
            ("block4", 9, 12, 96, 32),
            ("last_conv", 12, 13, 576, 32),
        )
    ),
    "mobilenet_v3_large": _mobilenet_v3(
        (
            ("stem", 0, 2, 16, 2),
            ("block1", 2, 4, 24, 4),
            ("block2", 4, 7, 40, 8),
            ("block3", 7, 11, 80, 16),
            ("block4", 11, 13, 112, 16),
            ("block5", 13, 16, 160, 32),
            ("last_conv", 16, 17, 960, 32),
        )
    ),
    "efficientnet_b0": _features(
        (
            ("stem", 0, 2, 16, 2),
            ("block1", 2, 3, 24, 4),
            ("block2", 3, 4, 40, 8),
            ("block3", 4, 5, 80, 16),
            ("block4", 5, 6, 112, 16),
            ("block5", 6, 7, 192, 32),
            ("block6", 7, 8, 320, 32),
            ("last_conv", 8, 9, 1280, 32),
        )
    ),
    "densenet121": _densenet121,
    "regnet_y_400mf": _regnet,
    "convnext_tiny": _convnext,
    "vit_b_16": _vit,
    "swin_t": _swin,
}
