"""The map of the field: what is transferred, by what is new about the target. The entrance to every experiment."""

from typing import get_args

import streamlit as st

from core.techniques import catalogue, measured
from core.techniques.report import Report
from core.techniques.technique import Differs, Technique, Transferred
from core.words import about
from widgets import address

# Pan & Yang 2010 (10.1109/TKDE.2009.191), table 3.
TRANSFERRED: dict[Transferred, tuple[str, str]] = {
    "instances": ("Examples", "Pictures of the source are used again, those that fit more than others."),
    "features": ("Features", "The source teaches how to look; what is seen is described in its terms."),
    "parameters": ("Weights", "A network goes on learning where another one stopped."),
    "relations": ("Relations", "How things stand to each other is handed on, not what they are."),
}
DIFFERS: dict[Differs, str] = {
    "task": "A new question",
    "domain": "The same question, other pictures",
    "labels": "Too few labels, or none",
}
_ICONS = {"helps": ":material/trending_up:", "hurts": ":material/trending_down:"}


def draw() -> None:
    """Draw the map; an experiment opens where it is clicked."""
    known = catalogue.techniques().values()
    for transferred in get_args(Transferred):
        here = [one for one in known if one.transferred == transferred]
        if not here:
            continue
        title, what = TRANSFERRED[transferred]
        with st.container(border=True, key=f"techniques_{transferred}"):
            side, *cells = st.columns([3, 4, 4, 4], gap="medium")
            with side:
                st.markdown(f"## {title}")
                st.caption(what)
            for differs, cell in zip(get_args(Differs), cells, strict=True):
                there = [one for one in here if one.differs == differs]
                if there:
                    cell.caption(f"**{DIFFERS[differs]}**")
                for one in there:
                    with cell:
                        _entrance(one)
    st.caption(
        "Rows: what is transferred (Pan & Yang 2010, doi 10.1109/TKDE.2009.191, table 3); columns: what is new about "
        "the target. Many methods fit more than one place; each stands where its experiment does. Under each: what its "
        "method gained over its baseline, in points, with the 95 % interval over repetitions in brackets, and how long "
        "the experiment took one core of the machine that measured it."
    )


def _entrance(technique: Technique) -> None:
    st.button(
        technique.title,
        key=f"technique_{technique.name}",
        help=technique.question,
        width="stretch",
        on_click=address.write,
        kwargs={"technique": technique.name},
    )
    found = measured.measured(technique.name)
    if found is not None:
        st.caption(f"{short(found.report)}  \n:material/timer: {about(found.seconds)}")


def short(report: Report) -> str:
    """Give a verdict as a line under an entrance: a sign, and the sentence without the number of seeds."""
    verdict, of = report.verdict, report.quantity()
    sign = _ICONS.get(verdict.judgement, ":material/trending_flat:")
    unit = "" if of.share else f" ({'gain in' if of.higher_is_better else 'drop of'} {of.title.lower()})"
    return f"{sign} {verdict.sentence.rpartition(',')[0] or verdict.sentence}{unit}"
