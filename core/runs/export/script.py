"""A finished run told again as a PyTorch file that needs torch, NumPy and Pillow, and the network's library, alone.

Its text is that of the lab's own functions: of `program`, and of all that it calls in this run. Seeds, order of images,
crops and rates are the run's own, so that training again takes the same steps.
"""

import re
import textwrap
from collections.abc import Collection
from dataclasses import fields, replace

import torch

from core import words
from core.backbones import catalogue, timm_networks
from core.backbones.stages import normalisation
from core.backbones.timm_chain import ChainPiece
from core.backbones.timm_stages import Plan
from core.runs.export import program
from core.runs.export.sources import Sources
from core.runs.kinds.finetuning_result import RunResult
from core.training.cache import prefix_chunk
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.run import CHUNKS

# What `_values` writes in place of the lab, and the files that stand last, for they are long.
_WRITTEN = ("FinetuneConfig", "autocast_type")
_LAST = ("core.images.to_rgb", "core.training.logistic")
_WIDTH = 110  # of a line of class names
_LIBRARIES = {
    "torch": "PyTorch",
    "torchvision": "torchvision",
    "timm": "timm",
    "numpy": "NumPy",
    "PIL": "Pillow",
}


def reproduction_script(result: RunResult) -> str:
    """Write the script of a finished run; `archive` writes the files that it reads beside it."""
    config = FinetuneConfig.from_json(result.config)
    catalogue.entry(config.backbone)  # refuses one that is no more
    sources = Sources(known={"config": config, "STAGES": result.stages}, written=_WRITTEN)
    for name in ("Path", "torch", "main"):
        sources.add(program.__name__, name)
    sources.add_main(program.__name__)
    text = sources.text(first=program.__name__, last=_LAST)
    values = _values(result, config, text)
    head = [_docstring(result, sources.libraries()), "from __future__ import annotations", sources.imports()]
    return "\n\n".join([*head, f"{values}\n", text]) + "\n"


def _docstring(result: RunResult, libraries: Collection[str]) -> str:
    strategy = STRATEGIES[result.config["strategy"]]
    side = result.config["image_size"]
    title = " ".join(result.title.split()).replace('"', "'").replace("\\", "/") or "A run"
    *some, last = (words_of for name, words_of in _LIBRARIES.items() if name in libraries)
    what = f"A run of the Transfer Learning Lab in {', '.join(some)} and {last} alone: the lab's own functions, without"
    return f'''"""{title}

{textwrap.fill(f"{what} what this run does not use.", _WIDTH)}

    python reproduce.py              tests weights.safetensors on the run's own test images
    python reproduce.py --train      trains again from the same start, then tests
    python reproduce.py a.jpg b.png  says what the network sees in new pictures

{strategy.title}: {strategy.what}
In the lab, this network was right on {words.percent(result.test.accuracy.value)} of {result.test.count} test images.
Beside this file stand weights.safetensors (or, downloaded alone, the weights under this file's own name) and
data.npz: the run's images as the network saw them, {side} x {side} pixels, already split into train, validation and
test. New pictures need the weights alone; data.npz comes in the ZIP.
First comes the program of this run; then, file by file, what it calls of the lab.
"""'''


def _values(result: RunResult, config: FinetuneConfig, text: str) -> str:
    """Write what the run was asked for and worked with: the settings in ``text``, and more."""
    cuda = result.device.startswith("cuda")
    device = '"cuda" if torch.cuda.is_available() else "cpu"' if cuda else '"cpu"'
    chunk = CHUNKS["cuda" if cuda else "cpu"]
    behind = prefix_chunk(config, torch.device(result.device), chunk)
    scale = normalisation(config.backbone)
    settings = [
        f"    {field.name} = {getattr(config, field.name)!r}  # {field.metadata['help']}"
        for field in fields(config)
        if re.search(rf"\bconfig\.{field.name}\b", text)
    ]
    return "\n".join(
        [
            "HERE = Path(__file__).resolve().parent",
            f"DEVICE = torch.device({device})",
            _list("CLASSES", list(result.class_names)),
            f"STAGES = {result.stages!r}  # of the network, from the input",
            f"MEAN, STD = {scale.mean}, {scale.std}  # {scale.source}",
            f"READING = {result.rule.to_json()!r}  # how a picture becomes a square of 8 bits",
            f"EPOCHS, SEGMENTS = {result.epochs_done}, {list(result.segments)!r}  # rates rise and fall in each",
            f"CHUNK, PREFIX_CHUNK = {chunk}, {behind}  # images at once: in tests; in training, through frozen stages",
            *(_of_timm(config.backbone) if catalogue.is_timm(config.backbone) else ()),
            "",
            "",
            "class FinetuneConfig:",
            '    """The settings of this run."""',
            "",
            *settings,
            "",
            "",
            "config = FinetuneConfig()",
            "",
            "",
            "def autocast_type(device: torch.device) -> torch.dtype | None:",
            '    """Say in which precision this run computed; None is plain float32."""',
            f"    return {'torch.bfloat16' if result.precision == 'bfloat16' else 'None'}",
        ]
    )


def _of_timm(name: str) -> list[str]:
    """Write how timm is asked for a network, and which of its parts each stage is made of."""
    options, plan, sides = timm_networks.parts(name)
    return [
        f"TIMM_NAME, TIMM_OPTIONS = {timm_networks.own_name(name)!r}, {options!r}",
        "",
        "",
        "def timm_plan() -> tuple[Plan, Sides]:",
        '    """Say which modules each stage is made of, as the lab has read it off a forward pass."""',
        "    stages = (",
        *(
            f"        PlannedStage(name={stage.name!r}, channels={stage.channels}, reduction={stage.reduction}, "
            f"pieces={_pieces(stage.pieces)}),"
            for stage in plan.stages
        ),
        "    )",
        f"    plan = Plan(stages=stages, {_more(plan)})",
        f"    return plan, {sides!r}",
    ]


def _more(plan: Plan) -> str:
    figures = f"feature_size={plan.feature_size}, prefix={plan.prefix}, flat={plan.flat}"
    return f"neck={_pieces(plan.neck)}, head={_pieces(plan.head)}, {figures}"


def _pieces(pieces: tuple[ChainPiece, ...]) -> str:
    """Write pieces without their shapes, which are only needed for planning."""
    return repr(tuple(replace(piece, shape=()) for piece in pieces)).replace("shape=(), ", "")


def _list(name: str, values: list[str]) -> str:
    """Write a list of names in lines that are no longer than others."""
    text = f"{name} = {values!r}"
    if len(text) <= _WIDTH:
        return text
    lines = [""]
    for value in values:
        if len(lines[-1]) + len(repr(value)) > _WIDTH - 8:
            lines.append("")
        lines[-1] += f" {value!r},"
    return f"{name} = [\n" + "\n".join("   " + line for line in lines) + "\n]"
