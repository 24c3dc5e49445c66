"""Three riders on the motorcycle, side by side: who never rode, who rode a bicycle, who rode it reversed."""

from pathlib import Path

import streamlit as st

from core.figures.riding_looks import COLOURS
from core.riding import measured, replay, rides
from core.riding.experiment import ARMS
from core.riding.machines import SHARP_1971
from widgets import address, frame

_HERE = Path(__file__).resolve().parent
_LIGHTER = {"control": "#AAB3BB", "trained": "#F59A5B", "misled": "#B09BDD"}


def _read(place: str, name: str) -> str:
    return (_HERE / place / name).read_text(encoding="utf-8")


# The game's own drawing, so that a ride looks the same whoever rides it.
_watch = st.components.v2.component(
    "riding_watch",
    html=_read("watching", "watch.html"),
    css=_read("watching", "watch.css"),
    js="\n".join(
        [
            *(_read("browser", f"{part}.js") for part in ("camera", "bodies", "scenery", "views")),
            _read("watching", "watch.js"),
        ]
    ),
)


def draw() -> None:
    """Draw the animation, with the choice of ride and of how much practice came before."""
    steps = {str(update): _practice(update) for update in replay.updates()}
    st.markdown(
        "Three riders on the same motorcycle, in the same gusts: one never rode, one comes from the bicycle, one from "
        "the **reversed** bicycle. Watch their first ride, then give them practice."
    )
    left, right = st.columns([3, 1], gap="large")
    with left:
        update = int(
            address.choose(
                st.segmented_control,
                "Practice on the motorcycle, in updates",
                list(steps),
                name="practised",
                default="0",
                what="practice",
                format_func=steps.__getitem__,
                required=True,
            )
        )
    with right:
        ride = address.choose_number(
            st.slider, "Test ride", 1, replay.RIDES, name="ride", default=replay.telling() + 1
        )
    riders = replay.replay(ride - 1, update=update)
    counts = replay.survived(update)
    _watch(
        key="riding_watch",
        data={
            "dt": rides.DT,
            "speed": replay.SPEED,
            "fallRoll": float(rides.FALL[0]),
            "dark": frame.theme() == "dark",
            "ride": f"{ride} {update}",
            "shape": {
                "wheelbase": SHARP_1971.wheelbase,
                "trail": SHARP_1971.trail,
                "tilt": SHARP_1971.tilt,
                "rear": SHARP_1971.rear_wheel.radius,
                "front": SHARP_1971.front_wheel.radius,
            },
            "riders": [
                {
                    "title": ARMS[one.arm].title,
                    "colour": COLOURS[ARMS[one.arm].colour],
                    "light": _LIGHTER[ARMS[one.arm].colour],
                    "states": one.states[:, [0, 1, 4, 5]].round(4).tolist(),
                    "fallen": round(one.seconds / rides.DT) if one.fell else None,
                }
                for one in riders
            ],
        },
    )
    said = ", ".join(f"{ARMS[arm].title.lower()} **{count}**" for arm, count in counts.items())
    st.markdown(f"Of all {rides.TEST_STARTS} test rides, these three riders stay up in: {said}.")
    st.caption(
        f"Recorded simulation at {replay.SPEED:g} m/s, the same start and the same gusts for all three. These are the "
        f"riders of seed {measured.measured().provenance['shown_seed']}, the one whose bicycle rider is nearest "
        "the average. What follows a fall is only drawn."
    )


def _practice(update: int) -> str:
    return "None yet" if update == 0 else f"{update}"
