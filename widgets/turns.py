"""Whose turn it is to compute: explanations that take long, and short ones; neither waits for the other.

A class shares the processor. What a click needs for its answer, a second's work at most with the networks that come
with the lab, takes a short turn. What shows its progress meanwhile (a picture taking form, a measurement over a data
set) takes a long one, one visitor at a time, so that it holds up nobody else's clicks.
"""

import os
import threading

LONG_AT_ONCE = 1
SHORT_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)

long_turn = threading.BoundedSemaphore(LONG_AT_ONCE)
short_turn = threading.BoundedSemaphore(SHORT_AT_ONCE)
