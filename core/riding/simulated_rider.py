"""A rider that reacts late and never learns: how hard the game is, and a control for what the machines differ by.

People who balance something react after about 0.2 s (McRuer and Jex 1967, IEEE Trans. HFE 8, 231–249, find 0.1–0.2 s
for trained operators); what they push against is lean plus some lead. This rider sees both that late, decides ten
times a second and presses a key to one side, the other or none.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from core.arrays import Floats
from core.riding import visitor
from core.riding.visitor import DT, STEPS

DECIDES = 10  # steps between two decisions
NOISE = 0.01  # rad: how exactly a lean is seen


@dataclass(frozen=True, kw_only=True)
class Rider:
    """What a simulated rider does with what it sees."""

    delay: float = 0.2  # s
    lead: float = 0.45  # s: it looks at lean + lead · lean rate
    calm: float = 0.05  # rad that it leaves alone


SKILLED = Rider()
CLUMSY = Rider(delay=0.3, lead=0.1, calm=0.03)


def seconds(name: str, share: float, rider: Rider | None, *, rides: int = 48, seed: int = 0) -> Floats:
    """Ride ``rides`` times on the mount ``name`` with the hand at ``share``: seconds upright (rides,).

    ``rider`` None lets go. The rider steers as on a bicycle whatever it sits on: it never learns.
    """
    of = visitor.step(name)
    generator = np.random.default_rng(seed)
    x = np.zeros((6, rides))
    x[:4] = generator.uniform(-1, 1, (4, rides)) * np.array(visitor.START)[:, None]
    x *= of.signs[:, None]
    muscle, wish = np.zeros(rides), np.zeros(rides)
    riding, upright = np.ones(rides, bool), np.zeros(rides)
    seen = np.zeros((STEPS, 2, rides))
    for number in range(STEPS):
        seen[number] = x[[0, 2]]
        if number % visitor.GUST_STEPS == 0:
            gust = generator.normal(0.0, visitor.GUST, rides)
        if number % DECIDES == 0:
            noise = generator.normal(0.0, NOISE, rides)
            late = number - round(rider.delay / DT) if rider is not None else -1
            if rider is not None and late >= 0:
                lean = seen[late, 0] + rider.lead * seen[late, 1] + noise
                wish = np.sign(lean) * (np.abs(lean) > rider.calm)
        states, muscle = visitor.advance(of, list(x), muscle, wish, gust, share=share)
        upright += DT * riding
        riding &= visitor.upright(states)
        x = np.where(riding, np.stack(states), 0.0)
    return upright


@cache
def mean_seconds(name: str, ride: int, rider: Rider | None = CLUMSY) -> float:
    """Measure how long a rider (None: nobody) stays up in ride 0, 1, …; the clumsy one's:
    what the machines alone make of it."""
    return float(seconds(name, visitor.hand(ride), rider).mean())
