"""Check it: a sweep over all freeze depths on the visitor's own pictures, as a job."""

import streamlit as st

from core.advice.report import Advice
from core.runs import service
from core.runs.spec import RunSpec
from core.training.sweep_config import SweepConfig
from core.words import about
from widgets import address, frame
from widgets.advise.advice_request import AdviceRequest
from widgets.network_picker import kept_weights
from widgets.runs import sweep
from widgets.runs.visible import visible_run

SEEDS = 3


def draw(request: AdviceRequest) -> None:
    """Draw the button that starts the sweep, or the sweep that the address names."""
    if request.choice is None or request.advice is None:
        st.markdown("Bring pictures, and every depth is tried on them: the advice is proved right or wrong.")
        return
    run = st.query_params.get("sweep")
    if run is not None and not _is_about(run, request):
        run = None
        address.write(sweep=None)
    st.markdown(
        f"Every freeze depth is trained on your pictures {SEEDS} times, from other random beginnings (seeds), and "
        f"tested on pictures that none of them has seen{_time(request.advice) if run is None else ''}. It runs outside "
        "this page: close it, and the result waits under Runs."
    )
    if run is None:
        if st.button(
            "Check it on my pictures", type="primary", icon=":material/science:", key="advise_check"
        ):
            with frame.shown_errors():
                address.write(sweep=_start(request))
                st.rerun()
        return
    sweep.draw(run, advised=request.advice.arm)


def _time(advice: Advice) -> str:
    """How long a sweep takes at most, from the pace of this machine; "" where nobody measured that."""
    each = [one.seconds for one in advice.outlooks]
    if None in each:
        return ""
    known = [one for one in each if one is not None]
    # LP-FT costs about what training everything does; passes that depths share make it quicker.
    whole = SEEDS * (sum(known) + known[0])
    return f", in {about(whole)} here"


def _is_about(run: str, request: AdviceRequest) -> bool:
    """Whether the sweep that the address names is of these pictures and this network; a sentence if it is gone."""
    assert request.choice is not None
    with frame.shown_errors():
        spec = visible_run(run).record.spec
        config = spec.config
        return isinstance(config, SweepConfig) and (
            config.backbone,
            spec.data,
            spec.fit,
            config.per_class,
        ) == (
            request.entry.name,
            request.choice.reference,
            request.choice.fit,
            request.choice.per_class,
        )
    return False


def _start(request: AdviceRequest) -> str:
    assert request.choice is not None
    config = SweepConfig(
        backbone=request.entry.name,
        weights=kept_weights(request.entry.name),
        per_class=request.choice.per_class,
        seeds=SEEDS,
        image_size=request.entry.finetune_size,  # as a run of what is advised would see them
    )
    title = f"{request.choice.title}: every freeze depth"
    spec = RunSpec(config=config, data=request.choice.reference, fit=request.choice.fit, title=title)
    return service.submit(spec, frame.visitor(), address=st.context.ip_address)
