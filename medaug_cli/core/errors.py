"""Errors that a user can cause, each with the exit code of the interface."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What `medaug` returns to the shell."""

    OK = 0
    BUG = 1
    USAGE = 2
    SOME_FAILED = 3
    NO_DATASET = 4
    BAD_ROOT = 5
    NO_RESOURCES = 6
    MISMATCH = 7
    OUT_OF_TIME = 8
    TOO_MANY_FAILURES = 10
    LOCKED = 11
    INTERRUPTED = 130
    TERMINATED = 143


class MedaugError(Exception):
    """Something the user can mend: the message says where, what was found, and what to do."""

    exit_code = ExitCode.USAGE


class UsageError(MedaugError):
    """A flag or an argument is wrong."""


class RecipeError(MedaugError):
    """The recipe is invalid; the message lists every mistake with file:line:col."""


class DatasetError(MedaugError):
    """The dataset is missing, empty or ambiguous."""

    exit_code = ExitCode.NO_DATASET


class RootError(MedaugError):
    """ROOT cannot be written, holds foreign files, or was made by another recipe."""

    exit_code = ExitCode.BAD_ROOT


class ResourceError(MedaugError):
    """Disk full or out of memory."""

    exit_code = ExitCode.NO_RESOURCES


class LockedError(MedaugError):
    """Another run holds ROOT."""

    exit_code = ExitCode.LOCKED


class MismatchError(MedaugError):
    """An output is not what the manifest says."""

    exit_code = ExitCode.MISMATCH


class SampleError(MedaugError):
    """One sample cannot be read, augmented or written; `reason` is the stable code of its record.

    The message names files relative to the dataset and never quotes a header's value, which may identify a patient.
    """

    exit_code = ExitCode.SOME_FAILED

    def __init__(self, reason: str, message: str) -> None:
        """Keep the stable `reason` beside the `message` for people."""
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Interrupt(BaseException):
    """A signal that ends the run at the next safe point; `exit_code` is what the shell gets."""

    def __init__(self, exit_code: ExitCode) -> None:
        """Keep the code that belongs to the signal."""
        super().__init__(exit_code)
        self.exit_code = exit_code
