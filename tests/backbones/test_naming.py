"""Whose tensors a file holds is read off names and shapes: prefixes, heads, copies, other architectures."""

import pytest

from core import errors
from core.backbones import catalogue, naming, stages
from core.backbones.reading import Described

File = dict[str, Described]


def names_of(network: str) -> File:
    return naming.describe(stages.original_outline(network))


def stages_of(network: str) -> File:
    body = {theirs for theirs, ours in stages.original_names(network).items() if not ours.startswith("head.")}
    return {name: one for name, one in names_of(network).items() if name in body}


def below(prefix: str, file: File) -> File:
    return {prefix + name: one for name, one in file.items()}


def floats(*shape: int) -> Described:
    return Described(shape=shape, dtype="float32")


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "model.",
        "backbone.",
        "encoder.",
        "net.",
        "_orig_mod.",
        "_orig_mod.module.",
        "student.backbone.0.",
    ],
)
@pytest.mark.parametrize("network", ["tiny_resnet18", "densenet121", "vit_b_16", "vgg16"])
def test_what_stands_in_front_of_the_names_is_taken_off_and_said(network: str, prefix: str) -> None:
    found = naming.fit(below(prefix, names_of(network)), network, "mine.pth")
    assert found.names == below(prefix, stages.original_names(network)) or found.names == {
        prefix + theirs: ours for theirs, ours in stages.original_names(network).items()
    }
    assert found.has_head
    assert found.said == (f"The prefix '{prefix}' was taken off the names in the weights file.",)


@pytest.mark.parametrize("network", catalogue.NAMES)
def test_a_head_for_other_classes_or_none_is_left_out_for_every_network(network: str) -> None:
    body = stages_of(network)
    without = naming.fit(body, network, "mine.pth")
    assert not without.has_head
    assert without.said == (
        "The weights file holds no head for the source's classes: a new one takes its place.",
    )
    head = [name for name in names_of(network) if name not in body]
    other = {name: floats(7, *names_of(network)[name].shape[1:]) for name in head}
    found = naming.fit(body | other, network, "mine.pth")
    assert set(found.names) == set(body)
    assert found.said == (
        "The head of the weights file, for 7 classes, was left out: a new one takes its place.",
    )


@pytest.mark.parametrize(
    "head",
    [
        {"fc.0.weight": (64, 256), "fc.0.bias": (64,), "fc.3.weight": (5, 64), "fc.3.bias": (5,)},
        {"head.1.weight": (5, 256), "head.1.bias": (5,)},
        {"classifier.weight": (5, 256)},
        {"last_linear.weight": (5, 256), "last_linear.bias": (5,)},
    ],
)
def test_heads_of_other_forms_are_recognised(head: dict[str, tuple[int, ...]]) -> None:
    file = stages_of("tiny_resnet18") | {name: floats(*shape) for name, shape in head.items()}
    found = naming.fit(file, "tiny_resnet18", "mine.pth")
    assert "for 5 classes" in found.said[0]


def test_parts_beside_the_network_are_left_out_and_said() -> None:
    file = {"n_averaged": Described(shape=(), dtype="int64")}  # as torch.optim.swa_utils keeps it
    file |= below("module.", names_of("resnet18")) | {"projector.0.weight": floats(9, 9)}
    found = naming.fit(file, "resnet18", "mine.pth")
    assert found.said[1] == (
        "Left out of the weights file: 2 tensors outside this network, such as 'n_averaged'."
    )


@pytest.mark.parametrize(("first", "second"), [("model.", "ema."), ("", "ema.module."), ("ema.", "")])
def test_of_two_copies_the_first_is_taken_and_the_other_said(first: str, second: str) -> None:
    file = below(first, names_of("resnet18")) | below(second, names_of("resnet18"))
    found = naming.fit(file, "resnet18", "mine.pth")
    taken, other = (first, second) if first != "ema." else ("", "ema.")
    assert set(found.names) == set(below(taken, names_of("resnet18")))
    assert f"more than once; what is under '{other}' was left out" in found.said[-1]


@pytest.mark.parametrize(
    ("trained", "average"),
    [
        ("module.encoder_q.", "module.encoder_k."),
        ("online_encoder.", "momentum_encoder."),
        ("student.backbone.", "teacher.backbone."),
        ("net.", "ema_net."),
        ("online.", "k_target.target."),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_what_was_trained_comes_before_its_average_in_whatever_order(
    trained: str, average: str, swapped: bool
) -> None:
    """Plain files hold their tensors by the alphabet, in which MoCo's key encoder is the first."""
    copies = [below(trained, stages_of("resnet18")), below(average, stages_of("resnet18"))]
    file = copies[swapped] | copies[not swapped]
    found = naming.fit(file, "resnet18", "mine.pth")
    assert set(found.names) == set(below(trained, stages_of("resnet18")))
    assert f"what is under '{average}' was left out" in found.said[1]


def test_a_tensor_that_does_not_fit_is_named_as_in_the_file() -> None:
    file = below("model.", names_of("resnet18")) | {"model.conv1.weight": floats(64, 1, 7, 7)}
    with pytest.raises(errors.WeightsError, match=r"tensor 'model\.conv1\.weight' has shape \(64, 1, 7, 7\)"):
        naming.fit(file, "resnet18", "mine.pth")


@pytest.mark.parametrize("network", catalogue.NAMES)
def test_a_file_of_another_network_of_the_catalogue_is_recognised(network: str) -> None:
    chosen = "resnet50" if network != "resnet50" else "resnet34"
    for file in (names_of(network), below("model.", stages_of(network))):
        with pytest.raises(
            errors.WeightsError, match=rf"does not fit {chosen}: .*; it looks like {network}, so"
        ):
            naming.fit(file, chosen, "mine.pth")


def test_a_network_that_is_not_in_the_catalogue_looks_like_none() -> None:
    wide = {name: floats(*(2 * side for side in one.shape)) for name, one in names_of("resnet50").items()}
    with pytest.raises(errors.WeightsError) as caught:
        naming.fit(wide, "resnet50", "mine.pth")
    assert "looks like" not in str(caught.value)
    assert str(caught.value).startswith(
        "mine.pth does not fit resnet50: tensor 'conv1.weight' has shape (128, 6, 14"
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "complex64", "float8_e4m3fn", "int64"])
def test_numbers_of_other_types_are_named(dtype: str) -> None:
    name = "layer1.0.conv1.weight"
    file = names_of("resnet18")
    file[name] = Described(shape=file[name].shape, dtype=dtype)
    with pytest.raises(errors.WeightsError, match=f"'{name}' holds numbers of type {dtype}"):
        naming.fit(file, "resnet18", "mine.pth")


def test_a_longer_network_with_the_same_beginning_is_another_one() -> None:
    with pytest.raises(errors.WeightsError, match=r"has no tensor 'layer1\.2.*looks like resnet34"):
        naming.fit(names_of("resnet34"), "resnet18", "mine.pth")


@pytest.mark.parametrize(
    ("network", "renamed"),
    [
        ("densenet121", {"norm1.": "norm.1.", "norm2.": "norm.2.", "conv1.": "conv.1.", "conv2.": "conv.2."}),
        ("vit_b_16", {"mlp.0.": "mlp.linear_1.", "mlp.3.": "mlp.linear_2."}),
    ],
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_names_in_torchvisions_older_files_are_translated(
    network: str, renamed: dict[str, str], prefix: str
) -> None:
    """As torchvision's own loaders do it: its downloads of these two still carry the old names."""
    older = {}
    for key, one in names_of(network).items():
        old = key
        for new_part, old_part in renamed.items():
            old = old.replace(f".{new_part}", f".{old_part}")
        if not key.endswith(catalogue.COUNTER):
            older[prefix + old] = one
    assert not set(older) <= set(names_of(network))
    found = naming.fit(older, network, "older.pth")  # every tensor finds its place, or this raises
    assert len(found.names) == len(older)
