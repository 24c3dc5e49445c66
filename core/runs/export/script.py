"""A finished run told again as a PyTorch file that needs torch, torchvision, NumPy and Pillow alone.

The text is put together from parts: only what the run used is in it, so that a learner can read all of it.
Seeds, order of images, crops and rates are the run's own, so that training again takes the same steps. For what is
not told but used, solving for a linear head and reading pictures, the lab's own files stand at the end.
"""

from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from core import errors
from core.backbones import catalogue
from core.runs.export import script_parts as parts
from core.runs.kinds.finetuning_result import RunResult
from core.training.config import STRATEGIES

START = "start.safetensors"  # the stages' weights that training starts from
DATA = "data.npz"  # the run's images, decoded and split

# Where a network keeps its classifier, and what stands between its last stage and a new linear layer.
# Torchvision's own networks, taken apart in the same places as in core/backbones/families.py.
_HEADS: dict[str, tuple[str, str]] = {
    "vgg16": ("classifier.6", "nn.Identity()"),
    "squeezenet1_0": ("classifier", "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())"),
    "squeezenet1_1": ("classifier", "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())"),
    "mobilenet_v2": ("classifier", "nn.Identity()"),
    "mobilenet_v3_small": ("classifier.3", "nn.Identity()"),
    "mobilenet_v3_large": ("classifier.3", "nn.Identity()"),
    "efficientnet_b0": ("classifier", "nn.Identity()"),
    "densenet121": ("classifier", "nn.Identity()"),
    "convnext_tiny": (
        "classifier",
        "nn.Sequential(nn.Flatten(), nn.LayerNorm(768, eps=1e-6, elementwise_affine=False))",
    ),
    "vit_b_16": ("heads", "nn.Identity()"),
    "swin_t": ("head", "nn.Identity()"),
}
# MobileNetV3's dropout stands before its classifier and goes with it, where a new head comes.
_WITHOUT = "\n    net.classifier[2] = nn.Identity()"
_RESNETS = ("fc", "nn.Identity()")  # every other network of the catalogue ends in ``fc``


def reproduction_script(result: RunResult) -> str:
    """Write the script of a finished run; `export` writes the files that it reads beside it."""
    config = result.config
    errors.one_of("backbone", config["backbone"], catalogue.BACKBONES)
    only_probe = _is_probe(config, len(result.stages))
    probes = only_probe or config["strategy"] == "lp_ft"
    recomputes = not only_probe and _recomputes(config)
    chosen = [
        parts.HEADER,
        parts.SETTINGS,
        parts.READ,
        parts.TINY if config["backbone"] == catalogue.BUILT_IN else "",
        parts.NETWORK,
        parts.IMAGES,
        parts.CROPS if config["views"] != 1 else "",
        parts.TEST,
        parts.SEEDS if config["views"] != 1 or not only_probe else "",
        parts.START,
        parts.PROBE if probes else "",
        "" if only_probe else parts.FREEZE,
        parts.STATISTICS if recomputes else "",
        "" if only_probe else parts.GROUPS,
        "" if only_probe else parts.RATE,
        "" if only_probe else parts.TRAIN,
    ]
    values = _values(result, only_probe=only_probe)
    texts = [Template(part.strip("\n")).substitute(values) for part in chosen if part]
    texts += [_carried("training", "logistic.py")] if probes else []
    texts += [_carried("training", "batch_norm.py")] if recomputes else []
    texts += [_carried("images", "to_rgb.py"), Template(parts.MAIN).substitute(values)]
    return "\n\n\n".join(text.strip("\n") for text in texts) + "\n"


def _carried(room: str, file: str) -> str:
    """Give the text of one of the lab's files that need nothing of the lab, to stand in the script as it is."""
    title = Template(parts.CARRIED).substitute(file=f"core/{room}/{file}")
    return f"{title:-<106}\n\n{files('core').joinpath(room, file).read_text(encoding='utf-8')}"


def _recomputes(config: dict[str, Any]) -> bool:
    """Whether BatchNorm's statistics are recomputed after every epoch; runs from before that was possible lack it."""
    return config.get("statistics") == "recomputed" and not _holds_statistics(config)


def _is_probe(config: dict[str, Any], depth: int) -> bool:
    from core.training.config import FinetuneConfig
    from core.training.strategies import is_probe

    return is_probe(FinetuneConfig.from_json(config), depth)


def _holds_statistics(config: dict[str, Any]) -> bool:
    from core.training.config import FinetuneConfig
    from core.training.strategies import holds_statistics

    return holds_statistics(FinetuneConfig.from_json(config))


@cache
def stage_prefixes(name: str) -> dict[str, tuple[str, ...]]:
    """Say by which beginnings of their names a stage's modules and tensors are known in the original network."""
    from core.backbones import stages

    network = stages.outline(name)
    backbone = stages.compose(name, network)
    owner: dict[int, str] = {}
    for stage in backbone.table:
        for thing in (*stage.module.modules(), *stage.module.parameters()):
            owner[id(thing)] = stage.name
    names: dict[str, str] = {}  # the original's leaf modules, and parameters outside of any, by stage
    for path, module in network.named_modules():
        leaf = not list(module.children())
        if leaf and id(module) in owner:
            names[f"{path}."] = owner[id(module)]
        elif not leaf:
            for own, parameter in module.named_parameters(recurse=False):
                if id(parameter) in owner:
                    names[f"{path}.{own}.".lstrip(".")] = owner[id(parameter)]
    found: dict[str, list[str]] = {stage.name: [] for stage in backbone.table}
    others = [f"{path}." for path, _ in network.named_modules() if f"{path}." not in names]
    for path, stage_name in names.items():
        steps = path.rstrip(".").split(".")
        for count in range(1, len(steps) + 1):
            prefix = ".".join(steps[:count]) + "."
            inside = {stage for other, stage in names.items() if other.startswith(prefix)}
            if inside == {stage_name} and not _holds_head(prefix, others, network):
                break
        if prefix not in found[stage_name]:
            found[stage_name].append(prefix)
    return {stage: tuple(prefixes) for stage, prefixes in found.items()}


def _holds_head(prefix: str, others: list[str], network: Any) -> bool:
    """Whether leaf modules that belong to no stage (the classifier) stand below ``prefix``."""
    modules = dict(network.named_modules())
    return any(
        other.startswith(prefix) and not list(modules[other.rstrip(".")].children()) for other in others
    )


def _values(result: RunResult, *, only_probe: bool) -> dict[str, str]:
    """Fill every place of the parts; blocks end in a line end where they are not empty."""
    from core.training.run import CHUNKS

    config = result.config
    name = config["backbone"]
    entry = catalogue.entry(name)
    place, neck = _HEADS.get(name, _RESNETS)
    built_in = name == catalogue.BUILT_IN
    cuda = result.device.startswith("cuda")
    views = config["views"]
    view = "None" if views == 1 else "epoch % VIEWS" if views else "epoch"
    augment = ["if view is not None:", "    pixels = crop(pixels, boxes(len(images), view), numbers)"]
    calls = ["solve_probe(net)"] * (only_probe or config["strategy"] == "lp_ft")
    calls += ["train(net)"] * (not only_probe)
    return {
        "title": " ".join(result.title.split()).replace('"', "'").replace("\\", "/") or "A run",
        "accuracy": f"{100 * result.test.accuracy.value:.1f} %",
        "tested": str(result.test.count),
        "strategy": STRATEGIES[config["strategy"]].title,
        "what": STRATEGIES[config["strategy"]].what,
        "imports": _imports(uses_rates=views != 1 or not only_probe, uses_torchvision=not built_in),
        "classes": _list("CLASSES", result.class_names),
        "stages": _table("STAGES", stage_prefixes(name)),
        "frozen": _list("FROZEN", result.frozen_stages),
        "side": str(config["image_size"]),
        "mean": repr(entry.mean),
        "std": repr(entry.std),
        "seed": str(config["seed"]),
        "device": '"cuda" if torch.cuda.is_available() else "cpu"' if cuda else '"cpu"',
        "bfloat16": str(result.precision == "bfloat16"),
        "chunk": str(CHUNKS["cuda" if cuda else "cpu"]),
        "reading": repr(result.rule.to_json()),
        "settings": _settings(result, only_probe=only_probe),
        "build": "TinyResNet18()" if built_in else f'torchvision.models.get_model("{name}", weights=None)',
        "head": _attribute(place),
        "head_name": f"{place}.",
        "neck": neck,
        "without": _WITHOUT if name.startswith("mobilenet_v3") else "",
        "layers": _layers(entry.feature_size, config),
        "start": _start(config),
        "augment": _block(4, augment if views != 1 else []),
        "view": view,
        "probe_views": "range(VIEWS)" if views > 1 else "[None]",
        "probe_count": "VIEWS" if views > 1 else "1",
        "train_call": _block(8, calls),
        **_training(config, view, cuda=cuda),
    }


def _training(config: dict[str, Any], view: str, *, cuda: bool) -> dict[str, str]:
    """Fill the places where runs train differently."""
    optimisers = {
        "adamw": "torch.optim.AdamW(groups(net), fused=True)",
        "sgd": "torch.optim.SGD(groups(net), momentum=0.9, nesterov=True, fused=True)",
        "rmsprop": "torch.optim.RMSprop(groups(net))",
    }
    smoothing = f", label_smoothing={config['label_smoothing']}" if config["label_smoothing"] else ""
    loss = f"functional.cross_entropy(scores, labels[some]{smoothing})"
    mixed, pull, remember, norm = [], [], [], []
    if config["mixup"]:
        mixed = [
            'others = torch.randperm(len(some), generator=generator(SEED, "mixup", step))',
            'chance = np.random.default_rng(generator(SEED, "mixup share", step).initial_seed())',
            "share = float(chance.beta(MIXUP, MIXUP))",
        ]
        loss = f"share * {loss} + (1 - share) * {loss.replace('[some]', '[some[others]]')}"
    if config["l2_sp"]:
        remember = ["start = {p: p.detach().clone() for name, p in net.named_parameters() if stage(name)}"]
        pull = [
            "for parameter, before in start.items():  # L2-SP: back towards the pretrained weights",
            "    if parameter.grad is not None:",
            "        parameter.grad.add_(parameter.detach() - before, alpha=L2_SP)",
        ]
    if config["batch_norm"] == "learning":
        norm = [
            "if isinstance(module, nn.BatchNorm2d):",
            "    module.train()  # the teaching switch: its statistics follow the new images",
        ]
    freeze = ["freeze(net, FROZEN)"]
    if config["strategy"] == "gradual":
        freeze = [
            "frozen = list(STAGES)[: max(0, len(STAGES) - epoch * (len(STAGES) + 1) // SEGMENTS[0])]",
            "freeze(net, frozen)",
        ]
    if _holds_statistics(config):
        freeze += [
            "for module in net.modules():",
            "    if isinstance(module, nn.BatchNorm2d):",
            "        module.eval()  # the solved head expects the pretrained statistics",
        ]
    # Behind a frozen prefix the lab trains on features, unless BatchNorm drifts in it (see core/training/cache.py).
    front = ""
    if config["batch_norm"] == "frozen" and config["strategy"] != "surgical":
        front = "frozen" if config["strategy"] == "gradual" else "FROZEN" if config["freeze_depth"] else ""
    size = "max(BATCH, CHUNK)" if cuda and config["cache"] and config["views"] else "BATCH"
    arguments = [f"{front}, {size}"] * bool(front)
    arguments += ["mix=lambda x: x * share + x[others] * (1 - share)"] * bool(mixed)
    statistics = []
    if _recomputes(config):
        frozen = "frozen" if config["strategy"] == "gradual" else "FROZEN"
        statistics = [f"recompute_statistics(net, images, {view}, {frozen})"]
    # Batches are equal but for one image, and never one image alone.
    batches = "-(-len(images) // BATCH)"
    return {
        "optimiser": optimisers[config["optimiser"]],
        "steps": batches if config["batch_size"] == 1 else f"max(1, min({batches}, len(images) // 2))",
        "loss": loss,
        "mixed": _block(12, mixed),
        "more": "".join(f", {one}" for one in arguments),
        "validated": f", {front}" if front else "",
        "pull": _block(12, pull),
        "remember": _block(4, remember),
        "norm_mode": _block(12, norm),
        "statistics": _block(8, statistics),
        "held": f", frozen, {size}" if front else "",
        "frozen_now": _block(8, freeze),
    }


def _imports(*, uses_rates: bool, uses_torchvision: bool) -> str:
    plain = ["json", "re", "struct", "sys", *(["hashlib", "math"] if uses_rates else [])]
    lines = [f"import {name}" for name in sorted(plain)]
    lines += ["from pathlib import Path", "", "import numpy as np", "import torch", "from torch import nn"]
    lines.append("from torch.nn import functional")
    return "\n".join(lines) + (f"\n\n{parts.TORCHVISION.strip()}" if uses_torchvision else "")


def _settings(result: RunResult, *, only_probe: bool) -> str:
    config = result.config
    rows: list[tuple[str, Any, str]] = []
    if config["views"] != 1:
        rows.append(("VIEWS", config["views"], "augmented views per image; 0: a fresh crop every epoch"))
    if not only_probe:
        rows += [
            ("EPOCHS", result.epochs_done, ""),
            ("SEGMENTS", list(result.segments), "epochs that each warm-up and cosine is laid over"),
            ("BATCH", config["batch_size"], ""),
            ("RATE", config["learning_rate"], "peak learning rate"),
            ("WARM_UP", config["warm_up"], "share of a segment's steps"),
            ("WEIGHT_DECAY", config["weight_decay"], "of matrices and kernels alone"),
            ("STAGE_DECAY", config["stage_decay"], "factor on the rate per stage further from the head"),
        ]
        if config["l2_sp"]:
            rows.append(("L2_SP", config["l2_sp"], "pull towards the pretrained weights"))
        if config["mixup"]:
            rows.append(("MIXUP", config["mixup"], "beta parameter"))
    return "\n".join(f"{name} = {value!r}" + (f"  # {why}" if why else "") for name, value, why in rows)


def _layers(size: int, config: dict[str, Any]) -> str:
    if config["head"] == "linear":
        return f"nn.Linear({size}, len(CLASSES))"
    width, dropout = config["head_width"], config["head_dropout"]
    return f"nn.Linear({size}, {width}), nn.ReLU(), nn.Dropout({dropout}), nn.Linear({width}, len(CLASSES))"


def _start(config: dict[str, Any]) -> str:
    if needs_start_file(config):
        pretrained = f'read_safetensors(HERE / "{START}")'
    else:
        weights = catalogue.TORCHVISION_WEIGHTS
        pretrained = f'torchvision.models.get_model("{config["backbone"]}", weights="{weights}").state_dict()'
    if config["strategy"] == "scratch_statistics":
        text = parts.START_STATISTICS
    elif STRATEGIES[config["strategy"]].pretrained:
        text = parts.START_PRETRAINED
    else:
        return ""
    return Template(text.rstrip("\n")).substitute(pretrained=pretrained)


def needs_start_file(config: dict[str, Any]) -> bool:
    """Whether the script's ``--train`` reads `START`: torchvision itself can fetch its own weights."""
    pretrained = STRATEGIES[config["strategy"]].pretrained or config["strategy"] == "scratch_statistics"
    own = config["backbone"] == catalogue.BUILT_IN or config["weights"] != "pretrained"
    return bool(pretrained and own)


def _attribute(place: str) -> str:
    """Turn ``classifier.6`` into ``net.classifier[6]``."""
    return "net" + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in place.split("."))


def _block(indent: int, lines: list[str]) -> str:
    return "".join(" " * indent + line + "\n" for line in lines)


def _list(name: str, values: tuple[str, ...]) -> str:
    """Write a list of names in lines of at most 100 characters."""
    text = f"{name} = {list(values)!r}"
    if len(text) <= 100:
        return text
    lines = [""]
    for value in values:
        if len(lines[-1]) + len(repr(value)) > 92:
            lines.append("")
        lines[-1] += f" {value!r},"
    return f"{name} = [\n" + "\n".join("   " + line for line in lines) + "\n]"


def _table(name: str, rows: dict[str, tuple[str, ...]]) -> str:
    lines = [f"    {key!r}: {value!r}," for key, value in rows.items()]
    return f"{name} = {{\n" + "\n".join(lines) + "\n}"
