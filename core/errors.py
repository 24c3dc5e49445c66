"""What a person can do wrong, and what the outside world can refuse: one family of exceptions.

The text of each is one clear sentence that says what to do; pages and the command line show it as it is.
Anything else that is raised is a defect of ours.
"""


class LabError(Exception):
    """Base of all errors whose message is meant for the person in front of the screen."""


class SettingsError(LabError):
    """A setting is out of range, or settings contradict each other."""


class DataError(LabError):
    """Images, archives or data sets that cannot be used as they are."""


class WeightsError(LabError):
    """A weights file that cannot be loaded, or does not fit the network."""


class DownloadError(LabError):
    """A download that failed: no network, a wrong checksum, a full disk."""


class RunError(LabError):
    """A run that does not exist, is not the visitor's, or cannot do what was asked in its state."""


class StoreError(LabError):
    """The run store cannot be asked at this moment: another process holds it for long, or its disk is full."""


def one_of(parameter: str, value: object, allowed: object) -> None:
    """Raise `SettingsError` unless ``value`` is among ``allowed`` (an iterable), naming the choices."""
    choices = list(allowed)  # type: ignore[call-overload]
    if value not in choices:
        raise SettingsError(
            f"{parameter} must be one of {', '.join(map(str, choices))}; {value!r} is none of them."
        )


def within(parameter: str, value: float, low: float, high: float) -> None:
    """Raise `SettingsError` unless ``low <= value <= high``."""
    if not low <= value <= high:
        raise SettingsError(
            f"{parameter} must lie between {_plain(low)} and {_plain(high)}; it is {_plain(value)}."
        )


def _plain(number: float) -> str:
    """Write a number without an exponent where that is longer than six digits: 10,000,000, not 1e+07."""
    return f"{number:,.0f}" if 1e6 <= abs(number) < 1e15 else f"{number:g}"
