"""What a person can do wrong, and what the outside world can refuse: one family of exceptions.

The text of each is one clear sentence that says what to do; pages and the command line show it as it is.
Anything else that is raised is a defect of ours.
"""


class LabError(Exception):
    """Base of all errors whose message is meant for the person in front of the screen."""


class SettingsError(LabError):
    """A setting is out of range, or settings contradict each other."""


class OutOfRange(SettingsError):
    """One setting has a value that it cannot have; ``says`` goes on where its name ends, whatever that is called."""

    def __init__(self, setting: str, says: str) -> None:
        super().__init__(setting, says)  # both: an error may travel between processes
        self.setting = setting
        self.says = says

    def __str__(self) -> str:
        return f"{self.setting} {self.says}"


class DataError(LabError):
    """Images, archives or data sets that cannot be used as they are."""


class WeightsError(LabError):
    """A weights file that cannot be loaded, or does not fit the network."""


class DownloadError(LabError):
    """A download that failed: no network, a wrong checksum, a full disk."""


class RunError(LabError):
    """A run that does not exist, is not the visitor's, or cannot do what was asked in its state."""


class UnwrittenError(LabError):
    """Something was measured, and could not be written where it was to be kept."""


class StoreError(LabError):
    """The lab's data cannot be used now: another process holds them for long, the disk is full, the folder gone."""


OUT_OF_MEMORY = "The computer ran out of memory; try fewer or smaller images, or a smaller batch."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, torch's of a GPU included."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def one_of(parameter: str, value: object, allowed: object) -> None:
    """Raise `OutOfRange` unless ``value`` is among ``allowed`` (an iterable), naming the choices."""
    choices = list(allowed)  # type: ignore[call-overload]
    if value not in choices:
        raise OutOfRange(
            parameter,
            f"must be one of {', '.join(map(str, choices))}; {shortened(repr(value))} is none of them.",
        )


def within(parameter: str, value: float, low: float, high: float, *, why: str = "") -> None:
    """Raise `OutOfRange` unless ``low <= value <= high``; ``why`` gives the reason for these limits."""
    if not low <= value <= high:
        limits = f"{_plain(low)} and {_plain(high)}" + (f", since {why}" if why else "")
        raise OutOfRange(parameter, f"must lie between {limits}; it is {_plain(value)}.")


def shortened(text: str, most: int = 120) -> str:
    """Leave out the middle of what would be longer than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 21]}…{text[-20:]}"


def _plain(number: float) -> str:
    """Write a number without an exponent where that is longer than six digits: 10,000,000, not 1e+07."""
    if isinstance(number, int):
        return f"{number:,}" if 1e6 <= abs(number) < 1e15 else shortened(str(number), 40)
    return f"{number:,.0f}" if 1e6 <= abs(number) < 1e15 else f"{number:g}"
