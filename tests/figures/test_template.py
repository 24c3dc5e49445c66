import itertools
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from core.errors import SettingsError
from core.figures import template
from core.figures.template import DATA, FIRE, GREY, ICE, ON_COLOUR, RIGHT, WRONG, figure, key, label

# Machado, Oliveira & Fernandes 2009 (IEEE TVCG 15:1291), severity 1.0, for linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def seen(colour: str, deficiency: str) -> np.ndarray:
    light = np.clip(np.asarray(DEFICIENCIES[deficiency]) @ linear(colour), 0, 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    high, low = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("pair", [*itertools.combinations((ICE, FIRE, GREY), 2), (RIGHT, WRONG)])
def test_colours_that_mean_different_things_look_different_to_everybody(
    pair: tuple[str, str], deficiency: str
) -> None:
    # 2.3 is just noticeable in CIELAB; marks and lines want several times that.
    assert deltaE_ciede2000(seen(pair[0], deficiency), seen(pair[1], deficiency)) > 10


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_and_marks_stand_out(theme: template.Theme) -> None:
    on = template.ground(theme)
    for text in (on.ink, on.muted, on.frozen, on.trainable, on.control):
        assert contrast(text, on.paper) >= 4.5
    for mark in (ICE, FIRE, GREY, RIGHT, WRONG, DATA):
        assert contrast(mark, on.paper) >= 2.3
    for full in (RIGHT, WRONG):
        assert contrast(ON_COLOUR, full) >= 4.5


def test_colours_stand_in_the_pages_configuration_as_well() -> None:
    path = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
    theme = tomllib.loads(path.read_text(encoding="utf-8"))["theme"]
    assert theme["chartCategoricalColors"] == [ICE, FIRE, GREY, WRONG, RIGHT, DATA]
    for name in ("light", "dark"):
        on = template.ground(name)
        assert theme[name]["backgroundColor"] == on.paper
        assert theme[name]["textColor"] == on.ink
        assert theme[name]["blueColor"] == ICE
        assert theme[name]["orangeColor"] == FIRE
        assert theme[name]["grayColor"] == GREY
        assert theme[name]["blueTextColor"] == on.frozen
        assert theme[name]["orangeTextColor"] == on.trainable


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_figure_is_transparent_big_and_carries_its_theme(theme: template.Theme) -> None:
    layout = figure([], theme, xaxis={"title": {"text": "Seconds"}}).layout
    assert layout.xaxis.title.text == "Seconds"
    assert layout.template.layout.paper_bgcolor == layout.template.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.template.layout.font.color == template.ground(theme).ink
    assert layout.template.layout.font.size >= 16
    assert layout.template.layout.xaxis.tickfont.size >= 14


def test_unknown_themes_are_refused() -> None:
    with pytest.raises(SettingsError, match="light, dark; 'sepia' is none"):
        figure([], "sepia")  # type: ignore[arg-type]


def test_names_are_cut_and_their_markup_is_harmless() -> None:
    assert label("cat") == "cat"
    assert label("a very long class name", 8) == "a ver…me"
    assert label("a woodpecker in winter", 12) != label("a woodpecker in summer coat", 12)
    assert label("a very long class name", 7) == "a very…"
    assert label("<a href='javascript:x'>", None) == "&lt;a href='javascript:x'&gt;"
    assert label("a&lt;b") == "a&amp;lt;b"
    assert label("ü" * 9, 5) == "üüüü…"


def test_the_key_shows_each_colour_with_its_name() -> None:
    text = key(("Frozen", ICE, "bar"), ("Trained", FIRE, "line"))["text"]
    assert text.index(ICE) < text.index("Frozen") < text.index(FIRE) < text.index("Trained")
    go.Figure(layout={"title": key(("Frozen", ICE, "bar"))})


def test_figures_need_no_torch_and_no_streamlit() -> None:
    rooms = "class_balance comparison confusion drift learning_curves probabilities reliability template"
    imports = "; ".join(f"import core.figures.{room}" for room in rooms.split())
    check = f"{imports}; import sys; print([m for m in ('torch', 'streamlit', 'scipy') if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", check], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
