"""How each kind of run is drawn, and spoken of; what there is to run is `core.runs.kinds.table`."""

from collections.abc import Callable
from dataclasses import dataclass

from core.runs.store.runs import RunRecord
from widgets.runs import finetuning, riding, sweep, technique
from widgets.runs.status import Doing
from widgets.runs.visible import VisibleRun


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One kind of run on its page, in a list, and in the hands of guests."""

    draw: Callable[[VisibleRun], None]  # below its heading
    doing: Doing  # where it is while it is worked on
    facts: Callable[[RunRecord], str]  # what it found, in a line, from its summary
    guests_see: str  # "… sees GUESTS_SEE"


VIEWS: dict[str, RunView] = {
    "finetune": RunView(
        draw=finetuning.draw,
        doing=finetuning.doing,
        facts=finetuning.facts,
        guests_see="the curves, the result and the test pictures, and can download the weights and the script",
    ),
    "sweep": RunView(
        draw=sweep.draw_run,
        doing=sweep.doing,
        facts=sweep.facts,
        guests_see="the chart and its figures, and can download them",
    ),
    "technique": RunView(
        draw=technique.draw,
        doing=technique.doing,
        facts=technique.facts,
        guests_see="the charts and their figures, and can download them",
    ),
    "riding": RunView(
        draw=riding.draw,
        doing=riding.doing,
        facts=riding.facts,
        guests_see="the learning curves, and can download their figures",
    ),
}
