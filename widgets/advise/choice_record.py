"""How good a choice among pretrained networks is: what each way of choosing gives away, the literature beside."""

import streamlit as st

from core.advice import choice_sentences, choosing, sentences
from core.advice.choosing import ChoiceRecord
from widgets import frame
from widgets.chart import chart


def draw(at_hand: tuple[str, ...]) -> None:
    """Draw the record of the networks ``at_hand``, losses of our own way among them; nothing where none is measured."""
    evidence, found = choosing.load(), of(at_hand)
    if evidence is None or found is None:
        return
    st.markdown("### How good is this choice?")
    st.markdown(choice_sentences.verdict(found))
    st.markdown("\n".join(f"- {one}" for one in choice_sentences.leads(found, evidence)))
    _chart(found)
    _numbers(found)
    st.caption(f"{choice_sentences.measured_how(found, evidence)} {choice_sentences.published()}")
    more = choice_sentences.more(evidence, at_hand)
    if more:
        st.caption(more)


def of(at_hand: tuple[str, ...]) -> ChoiceRecord | None:
    """Look up the record of those networks ``at_hand`` that were measured; of all where those are fewer than two."""
    evidence = choosing.load()
    return None if evidence is None else _record(choice_sentences.networks_measured(evidence, at_hand))


@st.cache_resource(max_entries=32, show_spinner="Judging ways to choose …")
def _record(networks: tuple[str, ...]) -> ChoiceRecord | None:
    evidence = choosing.load()
    return None if evidence is None else choosing.record(evidence.only(networks))


def _chart(found: ChoiceRecord) -> None:
    from core.figures.advice_record import regrets

    chart(
        regrets(
            found.policies,
            ours=choice_sentences.winner(found).name,
            of="the time of the first network",
            colours={},  # a probe that chooses is not a probe that is trained
            theme=frame.theme(),
        ),
        key="advise_choice_record",
    )
    st.caption("Mean and 95 % bootstrap interval over data sets. Grey ground: what this page does.")


def _numbers(found: ChoiceRecord) -> None:
    with st.expander("Every figure, worst cases named", type="compact", key="advise_choice_figures"):
        st.dataframe(
            {
                "Way to choose": [one.title for one in found.policies],
                "Mean": [one.regret.value for one in found.policies],
                "Best picked on other seeds": [one.fair_regret.value for one in found.policies],
                "90th percentile": [one.percentile_90.value for one in found.policies],
                "Worst": [one.worst for one in found.policies],
                "Worst case": [sentences.worst_case(one) for one in found.policies],
            },
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("Mean", "Best picked on other seeds", "90th percentile", "Worst")
            },
        )
