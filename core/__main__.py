"""``python -m core``: the lab without a browser."""

import os
import signal
import sys

from core.commands import interrupts

if __name__ == "__main__":
    for number in range(
        3
    ):  # a file that is opened must not take the place of a standard stream that is closed
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    with interrupts.at_once():
        from core.cli import main
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # a second one, while the first was being heard
        status = interrupts.INTERRUPTED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to stop
    sys.exit(status)
