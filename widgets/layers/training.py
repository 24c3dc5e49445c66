"""Before and after: what training changed in a finished run's network, picture by picture, epoch by epoch."""

import streamlit as st

from core import errors
from core.figures.change import stages_over_epochs
from core.interpretation.change_report import EpochChange
from core.runs import results
from core.runs.kinds.finetuning_result import RunResult
from core.words import percent
from widgets import address, frame, specimens
from widgets.chart import chart
from widgets.layers import epoch_networks, network_choice
from widgets.layers.before_and_now import BeforeAndNow, began_pretrained, frozen_stages
from widgets.layers.selection import Selection
from widgets.runs.visible import visible_run
from widgets.specimens import RUN, NetworkKey


def draw(selection: Selection) -> None:
    """Draw the view of one run, which the address may name."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        named = _choose_run()
    if named is None:
        return
    run_id = visible_run(named).id
    result = results.result(run_id)
    network = specimens.of_run(run_id)
    if selection.network.run != run_id:
        if selection.stages != result.stages:  # the stage in the address is one of the run's
            address.write(network=RUN + named, weights=None)
            st.rerun()
        left.caption("This view shows the network of this run, not the one picked above.")
    epochs = results.snapshots(run_id)
    with right:
        epoch = _choose_epoch(epochs, result)
    _summary(result, epochs)
    shown = BeforeAndNow(selection, network, result, epoch)
    stage = shown.choose_stage()
    shown.channel(stage)
    shown.attribution()
    shown.kernels()
    _history(network, result, epochs, epoch)


# --- the run and the epoch --------------------------------------------------------------------------------


def _choose_run() -> str | None:
    """Draw the choice among the visitor's finished runs and the one that the link names: what stands in the address.

    None without any.
    """
    titles = {
        record.id: f"{record.title} · {percent(record.summary['accuracy'])}"
        for record in network_choice.finished_runs()
        if record.summary is not None
    }
    top = st.query_params.get("network", "")
    linked = st.query_params.get("run") or (top.removeprefix(RUN) if top.startswith(RUN) else None)
    if linked and linked not in titles:
        try:
            record = visible_run(linked).record
            results.result(record.id)
            titles[linked] = record.title
        except errors.RunError as error:
            st.error(str(error), icon=":material/error:")
            address.write(run=None)
            linked = None
    if not titles:
        st.markdown(
            "Here you will see what training changed inside a network: the same picture, the same channel, before and "
            "after. Fine-tune one first; with the settings that are there it takes about a minute."
        )
        if st.button("Fine-tune a network", icon=":material/local_fire_department:", key="training_first"):
            st.switch_page(frame.page("finetune"))
        return None
    return address.choose(
        st.selectbox,
        "Run",
        list(titles),
        name="run",
        default=linked or next(iter(titles)),
        forget=("epoch", "channel", "target"),
        format_func=titles.__getitem__,
    )


def _choose_epoch(epochs: tuple[int, ...], result: RunResult) -> int:
    best = result.best_epoch
    chosen = address.choose(
        st.select_slider,
        "From before to after",
        [str(epoch) for epoch in epochs],
        name="epoch",
        default=str(best),
        format_func=lambda epoch: (
            "Before" if epoch == "0" else f"Epoch {epoch}" + (", the result" if epoch == str(best) else "")
        ),
    )
    return int(chosen)


def _summary(result: RunResult, epochs: tuple[int, ...]) -> None:
    frozen = frozen_stages(result)
    trained = [name for name in result.stages if name not in frozen]
    parts = []
    if frozen:
        parts.append(f":blue[**Frozen**]: {frame.plain(', '.join(frozen))}, the same to the bit.")
    colour = "orange" if began_pretrained(result) else "gray"
    parts.append(
        f":{colour}[**Trained**]: {frame.plain(', '.join([*trained, 'head']))}."
        + (
            ""
            if result.best_epoch == result.epochs_done
            else f" The result is epoch {result.best_epoch}, the best."
        )
    )
    st.markdown(" ".join(parts))
    notes = []
    if result.config["strategy"] == "lp_ft":
        notes.append("Before is the network before its probe was solved, which happened ahead of epoch 1.")
    if len(epochs) == 2 and result.epochs_done > 1:
        notes.append(
            "Of this run only before and after are kept: it was made before epochs were kept, or its network is too "
            "large for that."
        )
    elif len(epochs) > 2:
        notes.append(
            "Before and the result are exact; the epochs between are kept at half precision, which moves a weight by "
            "at most 0.05 % of itself."
        )
    if notes:
        st.caption(" ".join(notes))


def _history(network: NetworkKey, result: RunResult, epochs: tuple[int, ...], shown: int) -> None:
    st.header("Every stage, epoch by epoch", anchor=False)
    changes: list[EpochChange] = []
    lost: list[str] = []
    bar = st.progress(0.0)
    for number, epoch in enumerate(epochs):
        bar.progress(number / len(epochs), text="Measuring what every stage sees …")
        try:
            changes.append(epoch_networks.epoch_change(network, epoch))
        except errors.RunError as error:
            lost.append(str(error))
    bar.empty()
    left, right = st.columns(2)
    for column, panel in ((left, "change"), (right, "similarity")) if changes else ():
        drawn = stages_over_epochs(
            changes,
            frozen=frozen_stages(result),
            panel=panel,  # type: ignore[arg-type]
            epoch=shown,
            result=result.best_epoch,
            role="trainable" if began_pretrained(result) else "control",
            theme=frame.theme(),
        )
        with column:
            chart(drawn, key=f"training_{panel}")
    for sentence in dict.fromkeys(lost):
        st.caption(f":material/error: {frame.plain(sentence)}")
    count = min(epoch_networks.TEST_PICTURES, result.test.count)
    st.caption(
        f"Left: length of the change of a stage's weights, as a share of their length before. Right: linear CKA "
        f"(Kornblith et al. 2019, arXiv 1905.00414; debiased, Nguyen et al. 2021, arXiv 2010.15327) of what each stage "
        f"answers to {count} of the run's test pictures, before against then; 1 means the same features."
    )
