"""The exported script reads new pictures exactly as the lab does: the lab's own code, by the rule of the run's set."""

import dataclasses
import io
import runpy
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.datasets import own_images
from core.images.decoding import decode
from core.images.to_rgb import FITS, PictureReading
from core.runs.export import archive as export
from core.runs.files import artefacts
from core.training.config import FinetuneConfig
from tests.runs.script_repeats import Case, train
from tests.runs.test_script import read, result

SIDE = 32
READINGS = {
    "crop": PictureReading(),
    "pad": PictureReading(fit="pad", counts=(0.0, 4095.0), shares=(0.0, 1.0)),
    "squash": PictureReading(fit="squash", counts=(-128.0, 1023.0), shares=(-1.0, 1.0)),
}


def file(picture: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def odd_pictures() -> dict[str, bytes]:
    """Modes, formats, orientations and depths: one picture each, none of them square."""
    random = np.random.default_rng(0)
    colour = random.integers(0, 256, (50, 91, 3), dtype=np.uint8)
    colour[10:30, 20:70] = (250, 10, 60)
    rgb = Image.fromarray(colour)
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(random.integers(0, 256, (50, 91), dtype=np.uint8)))
    counts = (np.arange(50 * 91).reshape(50, 91) % 4096).astype(np.uint16)
    found = {
        f"{mode} {kind}": file(rgba.convert(mode), kind)
        for kind, modes in {
            "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
            "TIFF": ("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"),
            "JPEG": ("L", "RGB", "CMYK"),
            "WEBP": ("RGB", "RGBA"),
            "GIF": ("L", "P", "RGB"),
            "BMP": ("1", "L", "P", "RGB"),
            "PPM": ("L", "RGB"),
            "JPEG2000": ("L", "RGB", "RGBA"),
        }.items()
        for mode in modes
    }
    for orientation in range(1, 9):
        for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
            found[f"orientation {orientation} {kind}"] = file(rgb, kind, exif=turned(orientation))
    for kind in ("PNG", "TIFF", "JPEG2000"):
        found[f"12 of 16 bits {kind}"] = file(Image.fromarray(counts), kind)
        found[f"16 bits {kind}"] = file(Image.fromarray(counts * 16), kind)
    found["16 bits PPM"] = b"P5 91 50 65535\n" + (counts * 16).astype(">u2").tobytes()
    found["16-bit colour PPM"] = (
        b"P6 91 50 65535\n" + np.stack([counts * 16] * 3, axis=2).astype(">u2").tobytes()
    )
    found["32 bits TIFF"] = file(Image.fromarray(counts.astype(np.int32)), "TIFF")
    for name, values in {
        "shares": counts / 4095,
        "negative": counts / 2048 - 1,
        "holes": counts / 4095,
    }.items():
        floats = values.astype(np.float32)
        if name == "holes":
            floats[::7, ::3] = np.nan
        found[f"float {name} TIFF"] = file(Image.fromarray(floats), "TIFF")
    found["palette with transparency PNG"] = file(rgb.convert("P"), "PNG", transparency=3)
    found["grey with transparency PNG"] = file(rgb.convert("L"), "PNG", transparency=40)
    found["large JPEG"] = file(rgb.resize((910, 500)), "JPEG", quality=60)
    found["large progressive JPEG"] = file(rgb.resize((910, 500)), "JPEG", progressive=True)
    found["large CMYK JPEG, turned"] = file(rgb.convert("CMYK").resize((700, 900)), "JPEG", exif=turned(6))
    found["animation GIF"] = file(
        rgb, "GIF", save_all=True, append_images=[rgb.transpose(Image.Transpose.ROTATE_180)]
    )
    found["pages TIFF"] = file(rgb, "TIFF", save_all=True, append_images=[rgb.convert("L")])
    found["very wide PNG"] = file(rgb.resize((900, 7)), "PNG")
    found["one pixel PNG"] = file(rgb.resize((1, 1)), "PNG")
    return found


PICTURES = odd_pictures()


@pytest.fixture(scope="module", params=READINGS)
def script(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], PictureReading]:
    reading = READINGS[request.param]
    run = dataclasses.replace(
        result(FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe", image_size=SIDE)),
        reading=reading.to_json(),
    )
    return read(run, tmp_path_factory.mktemp("script")), reading


@pytest.mark.parametrize("name", PICTURES)
def test_the_scripts_reading_is_the_labs_to_the_bit(
    name: str, script: tuple[dict[str, Any], PictureReading]
) -> None:
    namespace, reading = script
    rule = namespace["PictureReading"].from_json(namespace["READING"])
    assert rule is not reading
    found = namespace["read_square"](PICTURES[name], namespace["config"].image_size, rule)
    assert np.array_equal(found, decode(PICTURES[name], SIDE, reading=reading)[0])


def test_what_is_no_picture_is_one_line_and_the_others_are_read(
    script: tuple[dict[str, Any], PictureReading], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace, _ = script
    (tmp_path / "page.png").write_text("<html></html>")
    (tmp_path / "real.png").write_bytes(PICTURES["RGB PNG"])
    network, _ = namespace["random_network"]()
    namespace["give_head"](network)
    namespace["look_at"](
        network, [str(tmp_path / "page.png"), str(tmp_path / "gone.png"), str(tmp_path / "real.png")]
    )
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{tmp_path / 'real.png'}: ")
    assert printed.out.count("\n") == 1
    assert [line.split(": cannot be read")[0] for line in printed.err.splitlines()] == [
        str(tmp_path / "page.png"), str(tmp_path / "gone.png")
    ]  # fmt: skip


def shapes(kind: str) -> dict[str, bytes]:
    """Pictures of two classes that a wrong reading mixes up."""
    random = np.random.default_rng(1)
    found = {}
    for number in range(12):
        for name in ("disc", "ring"):
            y, x = np.mgrid[:48, :48] - 23.5
            radius = np.hypot(x, y) / random.uniform(14, 20)
            inside = (radius < 1) & ((radius > 0.6) | (name == "disc"))
            if kind == "transparent":  # black on nothing: on black it would be nothing at all
                pixels = np.zeros((48, 48, 4), dtype=np.uint8)
                pixels[..., 3] = 255 * inside
                found[f"{name}/{number}.png"] = file(Image.fromarray(pixels), "PNG")
            else:  # 14-bit counts of a dim and a bright part, of which a clipped reading leaves white
                counts = (2000 + 9000 * inside + random.integers(0, 900, (48, 48))).astype(np.uint16)
                found[f"{name}/{number}.{kind}"] = file(
                    Image.fromarray(counts), {"png": "PNG", "tif": "TIFF"}[kind]
                )
    return found


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("kind", ["transparent", "png", "tif"])
def test_a_run_and_its_script_say_the_same_of_new_pictures(
    kind: str, fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = shapes(kind)
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in pictures.items():
            packed.writestr(name, content)
    dataset = own_images.from_zip(archive, side=SIDE, fit=fit)
    config = FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe", image_size=SIDE)
    folder = tmp_path / "run"
    train(Case(name="own"), config, dataset, folder)
    namespace = runpy.run_path(str(folder / export.SCRIPT), run_name="read")
    assert (folder / artefacts.WEIGHTS).is_file()
    rule = namespace["PictureReading"].from_json(namespace["READING"])
    squares = {hash(image.tobytes()) for image in dataset.train.images}
    read = [namespace["read_square"](content, SIDE, rule) for content in pictures.values()]
    assert {hash(image.tobytes()) for image in read} == squares, (
        "the set's own pictures come out as they went in"
    )
    paths = []
    for name, content in pictures.items():
        paths.append(tmp_path / name.replace("/", "-"))
        paths[-1].write_bytes(content)
    namespace["look_at"](namespace["finished_network"](), [str(path) for path in paths])
    lines = capsys.readouterr().out.splitlines()
    right = [
        line.split(": ")[1].split(" ")[0] == path.name.split("-")[0]
        for line, path in zip(lines, paths, strict=True)
    ]
    assert np.mean(right) >= 0.9
