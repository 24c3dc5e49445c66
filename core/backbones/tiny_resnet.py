"""The built-in backbone: ResNet-18 at half width, for 64-pixel images, trained by us.

He et al. 2016 (arXiv 1512.03385) with 32-64-128-256 channels and without the max-pool after the
7 x 7 / 2 stem, so that a 64-pixel image still has 4 x 4 positions in the last stage.
Parameter names are torchvision's, so that its tools and ours read each other's files.
"""

from torch import Tensor, nn

from core.vision import torchvision

WIDTHS = (32, 64, 128, 256)
SOURCE_CLASSES = 200


def _layer(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    """Two residual blocks (B, channels_in, H, W) -> (B, channels_out, H / stride, W / stride)."""
    block = torchvision.models.resnet.BasicBlock
    shortcut = None
    if stride != 1 or channels_in != channels_out:
        shortcut = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(channels_out),
        )
    return nn.Sequential(
        block(channels_in, channels_out, stride, shortcut), block(channels_out, channels_out)
    )


class TinyResNet18(nn.Module):
    """Images (B, 3, H, W), normalised -> class scores (B, classes). 2.85 M parameters with 200 classes."""

    def __init__(self, classes: int = SOURCE_CLASSES) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _layer(WIDTHS[0], WIDTHS[0], stride=1)
        self.layer2 = _layer(WIDTHS[0], WIDTHS[1], stride=2)
        self.layer3 = _layer(WIDTHS[1], WIDTHS[2], stride=2)
        self.layer4 = _layer(WIDTHS[2], WIDTHS[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(WIDTHS[3], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Compute class scores (B, classes)."""
        features = self.relu(self.bn1(self.conv1(images)))  # (B, 32, H/2, W/2)
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))  # (B, 256, H/16, W/16)
        scores: Tensor = self.fc(self.avgpool(features).flatten(1))
        return scores
