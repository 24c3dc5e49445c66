"""Why it works: the best answers to what one feels are alike on both machines; the motorcycle wants more torque."""

import numpy as np
import streamlit as st

from core.arrays import Floats
from core.figures import riding_reasons
from core.riding import measured, replay
from core.riding.gains import optimal_gains
from core.riding.machines import BENCHMARK_BICYCLE, SHARP_1971, SHARP_1994
from core.words import number
from widgets import address, frame
from widgets.chart import chart


def draw() -> None:
    """Draw the section."""
    _gains()
    st.divider()
    _strength()
    with st.expander("Could the machines balance by themselves?", icon=":material/speed:"):
        _stability()


def _gains() -> None:
    st.header("The same answers to the same feelings", anchor=False)
    bicycle = optimal_gains(BENCHMARK_BICYCLE, replay.SPEED)
    motorcycle = optimal_gains(SHARP_1971, replay.SPEED)
    turned = optimal_gains(BENCHMARK_BICYCLE, replay.SPEED, reversed=True)
    alike, against = (float(gains.direction @ motorcycle.direction) for gains in (bicycle, turned))
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    with left:
        st.markdown(
            "Mathematics knows the best possible hands (the *linear quadratic regulator*): so much torque for "
            "so much lean, so much for drifting off the line.\n\n"
            "Scaled to the same strength, the best hands for a bicycle and for a motorcycle **nearly coincide**: "
            f"similarity {alike:.3f}, where 1 is the same. For the reversed bicycle "
            f"it is {number(against, 3)}: **exactly the wrong thing.**"
        )
        learned = {name: values.mean(axis=0) for name, values in measured.measured().gains.items()}
        st.markdown(
            "The small riders found the same by themselves: bicycle and motorcycle riders "
            f"{_similarity(learned['bicycle'], learned['motorcycle']):.2f}, reversed and motorcycle "
            f"{number(_similarity(learned['reversed'], learned['motorcycle']), 2)}."
        )
    with right:
        chart(
            riding_reasons.gains(
                {
                    "bicycle": bicycle.direction,
                    "motorcycle": motorcycle.direction,
                    "reversed": turned.direction,
                },
                theme=frame.theme(),
            ),
            key="riding_gains",
            says=f"The best answers for bicycle and motorcycle have a similarity of {alike:.3f}, for the reversed "
            f"bicycle and the motorcycle of {number(against, 3)}.",
            said=True,
        )
    st.caption(
        f"Optimal gains at {replay.SPEED:g} m/s for the cost that riders are trained with, and a price on torque, "
        "computed when this page is drawn; each times a typical size of what is felt. Learned: slopes of the "
        "networks' answers, mean of 20 seeds."
    )


def _strength() -> None:
    st.header("What is missing is strength", anchor=False)
    of = measured.measured()
    values = {f"{factor:g}": factor for factor in of.factors}
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    with left:
        st.markdown(
            "A motorcycle is heavier. Take the riders who only know the bicycle, and **multiply what their hands do**. "
            "Nothing else changes; they have never been on a motorcycle."
        )
        chosen = address.choose(
            st.select_slider,
            "Torque, times",
            list(values),
            name="torque",
            default="1",
            format_func=lambda name: f"× {name}",
        )
        share = of.strengthened[:, list(values).index(chosen)].mean()
        st.markdown(f"Times {chosen}: **{100 * share:.0f} of 100** rides stay up.")
    with right:
        chart(
            riding_reasons.strength(of.factors, of.strengthened, chosen=values[chosen], theme=frame.theme()),
            key="riding_strength",
            said=True,
        )
    norms = {name: float(np.linalg.norm(gains.mean(axis=0))) for name, gains in of.gains.items()}
    st.caption(
        f"Precomputed with {of.provenance['seeds']} seeds; band: 95 % percentile bootstrap over seeds. Riders who "
        f"learned on the motorcycle itself pull {norms['motorcycle'] / norms['bicycle']:.1f} times as hard as bicycle "
        "riders."
    )


def _stability() -> None:
    st.markdown(
        "Yes, in a window of speeds: a bicycle between 4.3 and 6.0 m/s steers itself upright. "
        "Riders here practise **below** it, so that nobody stays up without doing something."
    )
    drawn = riding_reasons.stability((BENCHMARK_BICYCLE, SHARP_1971, SHARP_1994), theme=frame.theme())
    chart(drawn, key="riding_stability")
    st.caption(
        "\n\n".join(
            f"{one.title}: {one.source}; {one.certainty}."
            for one in (BENCHMARK_BICYCLE, SHARP_1971, SHARP_1994)
        )
    )


def _similarity(a: Floats, b: Floats) -> float:
    """Cosine of the angle between two gains."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
