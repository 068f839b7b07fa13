"""The few kinds of error a person meets. Each message says what happened, why, and what to do next.

The command line maps each kind to its exit code (`exit_code`); anything else is a bug and exits 1 with a traceback.
"""


class AutoDetectError(Exception):
    """Base of every error that is told to a person without a traceback.

    Args:
        what: what happened and why, naming the file, row or setting.
        remedy: what to do next.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}\n  -> {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["AutoDetectError"], tuple[str, str]]:
        """Survive a trip between processes with both halves of the message."""
        return type(self), (self.what, self.remedy)


class UsageError(AutoDetectError):
    """Wrong usage, settings or input files: nothing was changed."""

    exit_code = 2


class HeldError(AutoDetectError):
    """The night was held: the data is not good enough to publish anything."""

    exit_code = 3


class DependencyDownError(AutoDetectError):
    """Something outside (store, source, server) does not answer."""

    exit_code = 4


class LeaseHeldError(AutoDetectError):
    """Another run holds the lake's lease."""

    exit_code = 5


class StageFailedError(AutoDetectError):
    """A stage's process ended without a receipt (crash, deadline, out of memory)."""

    exit_code = 1


class CorruptError(AutoDetectError):
    """Stored bytes do not match their digest or cannot be read."""

    exit_code = 1
