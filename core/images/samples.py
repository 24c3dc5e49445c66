"""Pictures to look at that are there without a download: scikit-image's photographs. Torch-free.

``box`` was drawn by hand around the subject, on the centred square that a network sees; the share of an
attribution map inside it says how much of the map lies on the thing itself.
"""

from dataclasses import dataclass
from importlib.resources import files

from core import errors

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares (0-1) of a square


@dataclass(frozen=True, kw_only=True)
class SamplePicture:
    """One of scikit-image's pictures, under the name that links use."""

    name: str
    title: str
    file: str
    credit: str
    box: Box | None = None  # where the subject is; None where the picture is all subject

    def read(self) -> bytes:
        """Read the picture's file."""
        return files("skimage").joinpath("data", self.file).read_bytes()


_ENTRIES = (
    SamplePicture(
        name="cat",
        title="Cat",
        file="chelsea.png",
        credit="Chelsea, by Stéfan van der Walt, CC0",
        box=(0.12, 0.25, 0.97, 0.93),
    ),
    SamplePicture(
        name="coffee",
        title="Coffee",
        file="coffee.png",
        credit="Rachel Michetti, CC0",
        box=(0.18, 0.03, 0.80, 0.78),
    ),
    SamplePicture(
        name="motorcycle",
        title="Motorcycle",
        file="motorcycle_left.png",
        credit="Middlebury stereo benchmark, Scharstein et al., GCPR 2014",
        box=(0.0, 0.15, 1.0, 0.88),
    ),
    SamplePicture(
        name="rocket",
        title="Rocket",
        file="rocket.jpg",
        credit="SpaceX, public domain",
        box=(0.46, 0.29, 0.56, 0.97),
    ),
    SamplePicture(
        name="astronaut",
        title="Astronaut",
        file="astronaut.png",
        credit="Eileen Collins, NASA, public domain",
        box=(0.0, 0.02, 0.72, 1.0),
    ),
    SamplePicture(
        name="retina",
        title="Retina",
        file="retina.jpg",
        credit="Mikael Häggström, CC0",
    ),
    SamplePicture(name="brick", title="Brick wall", file="brick.png", credit="CC0Textures, CC0"),
    SamplePicture(name="grass", title="Grass", file="grass.png", credit="linolafett, DeviantArt, CC0"),
    SamplePicture(name="horse", title="Horse, a silhouette", file="horse.png", credit="Andreas Preuss, CC0"),
)

SAMPLES: dict[str, SamplePicture] = {entry.name: entry for entry in _ENTRIES}


def sample(name: str) -> SamplePicture:
    """Look up a sample picture; `SettingsError` for a name that is none."""
    errors.one_of("picture", name, SAMPLES)
    return SAMPLES[name]
