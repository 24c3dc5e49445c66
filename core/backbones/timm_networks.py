"""timm's networks by name: what timm states about one, the network itself, and its entry in the catalogue.

timm is imported when one of these is asked for, not before. A name is timm's own behind ``timm:``, with or without the
tag of the weights: ``timm:resnet50`` or ``timm:resnet50.a1_in1k``.
"""

import difflib
import re
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from core import errors
from core.backbones import catalogue
from core.backbones.backbone import Backbone
from core.backbones.timm_stages import Plan, Sides, plan, prove, refusing, take_apart

HUB = "https://huggingface.co"
MOST_PARAMETERS = 400_000_000
_SMALL = 224  # pixels: networks that take any side are proven and fine-tuned at no more
# Whose positions timm stretches to other sides when it is asked to (``dynamic_img_size``).
_STRETCHED = ("vision_transformer", "deit", "eva")
_ANSWERS = 8  # names that a search or an unknown name is answered with


def own_name(name: str) -> str:
    """Take off ``timm:``; raises `SettingsError` for a name that timm does not know, with the closest that it does."""
    wanted = name.removeprefix(catalogue.TIMM_PREFIX)
    if wanted in _architectures() or wanted in _trained():
        return wanted
    close = difflib.get_close_matches(wanted, [*_architectures(), *_trained()], n=4, cutoff=0.5)
    ask = (
        f"did you mean {' or '.join(close)}?"
        if close
        else "look for one in the search box of the network picker."
    )
    raise errors.SettingsError(f"timm has no network '{errors.shortened(wanted)}'; {ask}")


def search(text: str, most: int = _ANSWERS) -> tuple[list[str], int]:
    """Find timm's names with all words of ``text`` in them, those with trained weights: the first, and how many."""
    words = re.findall(r"[a-z0-9_.]+", text.lower().removeprefix(catalogue.TIMM_PREFIX))
    found = [name for name in _trained() if words and all(word in name for word in words)]
    return [catalogue.TIMM_PREFIX + name for name in found[:most]], len(found)


@cache
def _architectures() -> frozenset[str]:
    from core.vision import timm

    return frozenset(timm.list_models())


@cache
def _trained() -> tuple[str, ...]:
    from core.vision import timm

    return tuple(timm.list_models(pretrained=True))


@cache
def stated(name: str) -> Any:
    """What timm says about the weights of ``name``: its ``PretrainedCfg``."""
    from core.vision import timm

    return timm.models.get_pretrained_cfg(own_name(name))


def original(name: str) -> nn.Module:
    """Build the network as timm defines it, with random weights from the global generator; raises `SettingsError`."""
    _outline(name)  # refuses what is too large
    return _created(name)


def _created(name: str) -> nn.Module:
    from core.vision import timm

    wanted = own_name(name)
    options: dict[str, Any] = {"dynamic_img_size": True} if _stretches(name) else {}
    with refusing(wanted):
        network: nn.Module = timm.create_model(wanted, pretrained=False, **options)
        return network


def _stretches(name: str) -> bool:
    from core.vision import timm

    in_one: bool = timm.models.is_model_in_modules(own_name(name).partition(".")[0], _STRETCHED)
    return in_one


@cache
def sides(name: str) -> Sides:
    """What squares the network takes."""
    says = stated(name)
    _, height, width = says.input_size
    if height != width:
        raise errors.SettingsError(
            f"timm's {own_name(name)} takes pictures of {width} × {height} pixels, and the lab's are squares; choose "
            "another network."
        )
    fixed = bool(says.fixed_input_size)
    if not fixed:
        return Sides(own=height, tried=min(height, _SMALL), fixed=False, step=1, smallest=1)
    if not _stretches(name):
        return Sides(own=height, tried=height, fixed=True, step=1, smallest=height)
    network: Any = _outline(name)
    ratio = network.patch_embed.feat_ratio()
    step = int(ratio[0] if isinstance(ratio, tuple | list) else ratio)
    # So many patches a side that they can be told from the tokens before them by their number alone.
    patches = max(2, network.num_prefix_tokens // 2 + 1)
    tried = min(height, step * (_SMALL // step))
    return Sides(own=height, tried=tried, fixed=False, step=step, smallest=step * patches)


@cache
def _outline(name: str) -> nn.Module:
    return outline(name)


def outline(name: str) -> nn.Module:
    """Build the network on torch's "meta" device; raises `SettingsError` for one of more than `MOST_PARAMETERS`."""
    try:
        with torch.device("meta"):
            network = _created(name)
    except errors.SettingsError:
        network = _created(name)  # its constructor computes with numbers, which "meta" has none of
    count = sum(parameter.numel() for parameter in network.parameters())
    if count > MOST_PARAMETERS:
        raise errors.SettingsError(
            f"timm's {own_name(name)} has {count / 1e6:,.0f} million parameters, and the lab works with at most "
            f"{MOST_PARAMETERS / 1e6:,.0f} million; choose a smaller one."
        )
    return network.to("meta")


_plans: dict[str, Plan] = {}


def compose(name: str, network: nn.Module) -> Backbone:
    """Take ``network`` apart into stages, proven where it has numbers; raises `SettingsError` where that cannot be."""
    wanted = own_name(name)
    takes = sides(name)
    has_numbers = not any(tensor.is_meta for tensor in network.parameters())
    with refusing(wanted):
        if name not in _plans:
            _plans[name] = plan(network if has_numbers else _with_numbers(name), takes)
        backbone = take_apart(name, network, _plans[name], takes)
        if has_numbers:
            prove(backbone, network, takes)
        return backbone


def _with_numbers(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return original(name)


def class_names(name: str) -> tuple[str, ...]:
    """Name the classes that the head's outputs stand for, in their order; none where nobody has named them."""
    from core.vision import timm

    says = stated(name)
    known: Any = timm.data  # whose names are not exported in the way that type checkers want
    subset = known.infer_imagenet_subset({"num_classes": says.num_classes})
    if subset is None:
        return ()
    return tuple(known.ImageNetInfo(subset).label_descriptions())


def address(name: str) -> str:
    """Where timm's weights of ``name`` are handed out, as safetensors; raises `DownloadError` where none are."""
    hub = stated(name).hf_hub_id
    if not hub:
        raise errors.DownloadError(
            f"timm hands out no weights of {own_name(name)} as safetensors; choose a network with a tag, or a weights "
            "file of your own."
        )
    return f"{HUB}/{hub}/resolve/main/model.safetensors"


def state(name: str, file: str) -> dict[str, Tensor]:
    """Read weights that timm hands out, under the network's own names, through whatever timm does to them."""
    from core.vision import timm

    options: dict[str, Any] = {"dynamic_img_size": True} if _stretches(name) else {}
    overlay = {"file": file, "custom_load": False, "source": ""}
    try:
        with torch.random.fork_rng(devices=[]):
            network = timm.create_model(
                own_name(name), pretrained=True, pretrained_cfg_overlay=overlay, **options
            )
    except Exception as error:  # what a file that fits badly makes of timm's filters is not to be listed
        raise errors.WeightsError(
            f"The weights that timm hands out for {own_name(name)} do not fit the network that timm {timm.__version__} "
            "builds; choose another network, or a weights file of your own."
        ) from error
    return dict(network.state_dict())


def facts(name: str) -> dict[str, Any]:
    """What timm states of a network and its weights, as the catalogue keeps it; sizes in pixels and bytes."""
    says, takes, network = stated(name), sides(name), outline(name)
    hub = says.hf_hub_id or ""
    return {
        "image_size": takes.own,
        "finetune_size": takes.own if takes.fixed else min(takes.tried, takes.own if takes.step > 1 else 160),
        "smallest_size": _smallest(name),
        "fixed_size": takes.fixed,
        "size_step": takes.step,
        "resize": round(takes.own / (says.crop_pct or 1.0)),
        "interpolation": "bilinear" if says.interpolation == "bilinear" else "bicubic",
        "mean": list(says.mean),
        "std": list(says.std),
        "classes": len(class_names(name)),
        "licence": says.license or "unknown",
        "papers": ", ".join(
            filter(None, (says.paper_name, str(says.paper_ids or "").replace("arXiv:", "arXiv ")))
        ),
        "page": f"{HUB}/{hub}"
        if hub
        else says.origin_url or "https://github.com/huggingface/pytorch-image-models",
        "bytes": sum(tensor.nbytes for tensor in network.state_dict().values()),
    }


def _smallest(name: str) -> int:
    """Try which squares go through the network; its own always does."""
    takes = sides(name)
    if takes.fixed:
        return takes.own
    if takes.step > 1:
        return takes.smallest
    backbone = compose(name, outline(name)).eval()
    for side in (32, 48, 64, 96, 128):
        try:
            with torch.no_grad():
                backbone(torch.empty(1, 3, side, side, device="meta"))
        except (RuntimeError, NotImplementedError, AssertionError, ValueError):
            continue
        return side
    return takes.own


def parts(name: str) -> tuple[dict[str, Any], Plan, Sides]:
    """What `original` and `compose` work with: options for timm, the plan of stages, and what squares are taken."""
    compose(name, outline(name))  # plans, where nobody has yet
    return {"dynamic_img_size": True} if _stretches(name) else {}, _plans[name], sides(name)
