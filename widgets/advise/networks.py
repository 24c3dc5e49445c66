"""Which pretrained network? Those at hand, on the same pictures: accuracy of a probe against milliseconds."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.advice import choice_sentences
from core.backbones import catalogue
from core.words import short_count
from widgets import frame, network_picker
from widgets.advise import choice_record, pictures
from widgets.advise.advice_request import AdviceRequest
from widgets.chart import chart
from widgets.computed_once import ComputedOnce, WorkBar
from widgets.network_picker import PRETRAINED, kept_weights
from widgets.previews import Choice

if TYPE_CHECKING:
    from core.advice.candidates_report import Candidate, Comparison
    from core.advice.choosing import ChoiceRecord


def draw(request: AdviceRequest) -> None:
    """Draw the comparison, and how good such a choice is."""
    from core.advice import candidates
    from core.advice.candidates_report import Candidate

    own = [
        Candidate(name=name, weights=kept_weights(name))
        for name in network_picker.names()
        if kept_weights(name) != PRETRAINED
    ]
    at_hand = candidates.at_hand(own)
    _compared(request, at_hand)
    choice_record.draw(tuple(dict.fromkeys(candidate.name for candidate in at_hand)))


def _compared(request: AdviceRequest, at_hand: "tuple[Candidate, ...]") -> None:
    if request.choice is None or request.measures is None:
        st.markdown("Bring pictures, and all networks that are on this machine are compared on them.")
        return
    names = tuple(dict.fromkeys(candidate.name for candidate in at_hand))
    comparison = _comparison(tuple(candidate.key for candidate in at_hand), request.choice.key)
    if comparison.answer is None:
        titles = ", ".join(catalogue.entry(name).title for name in names)
        st.markdown(
            f"On this machine: {titles}. Others join once they are downloaded (choose one under “Pretrained network”), "
            "or once you give a file of their weights on the fine-tune page."
        )
        if len(at_hand) < 2:
            return
        if not st.button("Compare them on my pictures", icon=":material/compare:", key="advise_compare"):
            return
        with frame.shown_errors():
            comparison.compute(
                partial(_compare, at_hand, request.choice),
                waiting="Waiting for another measurement to end …",
                stop="advise_compare_stop",
            )
            st.rerun()  # without the button
        return
    _show(comparison.answer, choice_record.of(names))


@st.cache_resource(max_entries=32, show_spinner=False)
def _comparison(networks: tuple[str, ...], pictures: str) -> "ComputedOnce[Comparison]":
    return ComputedOnce()


def _compare(at_hand: "tuple[Candidate, ...]", choice: Choice, bar: WorkBar) -> "Comparison":
    from core.advice import candidates
    from core.advice.candidates_report import Comparison, Examining
    from core.errors import DataError

    bar.progress(0.0, "Reading the pictures …")
    side = max(catalogue.entry(candidate.name).finetune_size for candidate in at_hand)
    images, labels, class_names = pictures.of(choice, side)
    for event in candidates.compare(at_hand, images, labels, class_names):
        if isinstance(event, Comparison):
            return event
        if isinstance(event, Examining):
            title = catalogue.entry(event.candidate.name).title
            bar.progress(event.share, f"{title}: {event.doing} …")
    raise DataError("These pictures could not be compared.")


def _show(found: "Comparison", record: "ChoiceRecord | None") -> None:
    from core.figures.candidates import pareto

    take = choice_sentences.take(found, record)
    st.markdown(" ".join([*([f"**{frame.plain(take)}**"] if take else []), frame.plain(found.says)]))
    chart(pareto(found, theme=frame.theme()), key="advise_pareto", said=True)
    st.dataframe(
        {
            "Network": [one.title for one in found.examined],
            "Comes first": [100 * share for share in found.best_share],
            "Linear probe": [100 * one.probe.accuracy.value for one in found.examined],
            "Nearest neighbours": [100 * one.neighbours.value for one in found.examined],
            "LogME": [one.logme.value for one in found.examined],
            "H-score": [100 * one.h_score.value for one in found.examined],
            "Parameters": [short_count(one.parameters) for one in found.examined],
            "Megabytes": [one.megabytes for one in found.examined],
            "Milliseconds a picture": [one.pace.median for one in found.examined],
        },
        hide_index=True,
        column_config={
            "Comes first": st.column_config.NumberColumn(
                format="%.0f %%",
                help="In which share of resamples of the pictures its probe was right most often.",
            ),
            "Linear probe": st.column_config.NumberColumn(format="%.1f %%"),
            "Nearest neighbours": st.column_config.NumberColumn(format="%.1f %%"),
            "LogME": st.column_config.NumberColumn(format="%.2f"),
            "H-score": st.column_config.NumberColumn(
                format="%.0f %%",
                help="Of its most: how much of what varies in the features varies between classes.",
            ),
            "Megabytes": st.column_config.NumberColumn(format="%.1f"),
            "Milliseconds a picture": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    for one in found.left_out:
        st.caption(f"{catalogue.entry(one.candidate.name).title} was left out: {frame.plain(one.why)}")
    st.caption(
        f"{found.images:,} pictures, {found.classes} classes; probe and votes on the last stage, cross-validated, each "
        f"network at the side that runs use ({_sides(found)}); area of a bubble: megabytes. Scores rank networks less "
        "well than their papers suggest (arXiv 2204.01403), so the order's uncertainty is said aloud."
    )


def _sides(found: "Comparison") -> str:
    """List the sides that the networks saw, the smallest first: "64 or 128 pixels"."""
    sides = sorted({one.image_size for one in found.examined})
    return " or ".join(map(str, sides)) + " pixels"
