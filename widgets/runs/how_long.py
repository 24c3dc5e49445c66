"""How long a run will take, said before the button that starts it."""

from core.runs import service
from core.runs.duration import PictureCount
from core.runs.spec import RunSpec
from core.words import about


def before_start(spec: RunSpec, pictures: PictureCount | None = None) -> str:
    """Write how long the run takes here and how long its control; ``pictures`` count an upload's."""
    alone, control, measured_here = service.expected_seconds(spec, pictures)
    if alone is None:
        return "How long it takes, nobody can say before its pictures are here."
    says = f"Takes {about(alone)}"
    if control is not None:
        says += f", from scratch beside it {about(control)} more"
    return says + (
        ", going by runs of this machine." if measured_here else ", on a machine with two free processors."
    )
