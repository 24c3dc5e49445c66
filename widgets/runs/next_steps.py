"""What to do with a finished run: freeze otherwise and compare, see a mistake through the network, try a picture."""

from contextlib import suppress

import streamlit as st

from core import errors
from core.backbones import catalogue
from core.runs.store.runs import RunRecord
from core.training.config import STRATEGIES
from widgets import data_picker, frame, freeze_picker, network_picker, settings
from widgets.run_results import test_images_of, written
from widgets.runs import mistakes, result
from widgets.runs.against import AGAINST
from widgets.runs.visible import VisibleRun, visible_run

_CARRIED_ELSEWHERE = ("backbone", "weights", "strategy", "freeze_depth", "per_class")


def draw(seen: VisibleRun) -> None:
    """Draw the three ways on, one click each; a guest cannot start runs like somebody else's."""
    with st.container(horizontal=True, key="next_steps"), frame.shown_errors():
        if seen.mine and st.button(
            "Freeze otherwise and compare",
            type="primary",
            icon=":material/ac_unit:",
            key="next_freeze",
            help="Opens Fine-tune with the pictures, the network and the settings of this run; once the new one has "
            "finished, the two stand side by side, class by class.",
        ):
            prepare_another(seen.record)
            st.switch_page(frame.page("finetune"), query_params={AGAINST: seen.id})
        _a_mistake(seen)
        st.button(
            "Try a picture of yours",
            icon=":material/add_a_photo:",
            key="next_try",
            on_click=st.session_state.update,
            args=({result.OPEN_TAB: result.TRY},),
        )


def prepare_another(record: RunRecord) -> None:
    """Set the fine-tune page to the run's pictures, network and settings, frozen the other way round.

    What was mostly frozen is trained, and what was mostly trained is frozen, but for the head. Raises `LabError` where
    the pictures or the network are no longer there.
    """
    spec, config = record.spec, record.spec.finetune
    refused = network_picker.take(config.backbone)
    if refused:
        raise errors.SettingsError(refused)
    if not data_picker.choose(spec.data, config.per_class):
        raise errors.DataError(
            "The pictures of this run are no longer stored here; bring them again, or others."
        )
    st.session_state["own_fit"] = spec.fit
    st.session_state[f"weights_{config.backbone}"] = config.weights
    entry = catalogue.entry(config.backbone)
    depth = config.resolved(stages=entry.depth, image_size=entry.finetune_size).freeze_depth or 0
    pretrained = STRATEGIES[config.strategy].pretrained
    other = 0 if 2 * depth >= entry.depth or not pretrained else entry.depth
    strategy = freeze_picker.PROBE if other else freeze_picker.FULL
    freeze_picker.choose(entry, strategy, other)
    settings.choose(
        **{
            name: getattr(config, name)
            for name, known in settings.SETTINGS.items()
            if name not in _CARRIED_ELSEWHERE and getattr(config, name) != known.default
        }
    )


def said_before_start() -> None:
    """Say on the fine-tune page which run the new one will be compared with, where the address names one."""
    other = _named()
    if other is not None:
        st.info(
            f"As in **{frame.plain(other.record.title)}**, frozen otherwise: move the boundary to what you want to "
            "try. Once it has finished, the two stand side by side.",
            icon=":material/compare:",
        )


def carried() -> dict[str, str]:
    """Write what the new run's address says about the run to compare it with; nothing where there is none."""
    other = _named()
    return {} if other is None else {AGAINST: other.address}


def _named() -> VisibleRun | None:
    with suppress(errors.RunError):  # it may have been deleted meanwhile
        if AGAINST in st.query_params:
            return visible_run(st.query_params[AGAINST])
    return None


def _a_mistake(seen: VisibleRun) -> None:
    images = test_images_of(seen.id, written(seen.id))
    if images.pictures_deleted:
        return
    numbers = mistakes.surest_mistakes(images)
    # Where nothing was wrong, what was hardest is worth a look.
    number = int(numbers[0] if len(numbers) else images.scores.max(axis=1).argmin())
    if st.button(
        "See a mistake through the network"
        if len(numbers)
        else "See the hardest picture through the network",
        icon=":material/visibility:",
        key="next_mistake",
    ):
        st.switch_page(frame.page("layers"), query_params=mistakes.through_the_network(seen, images, number))
