"""Everything that whystuck can fail with, and how it ends.

    WhystuckError               1    the tool failed
    ├── UsageError              2    the command line asks for something impossible
    ├── ConfigurationError      2    the configuration file or the environment is wrong
    │   └── RuleError           2    a rule, built in or the user's, cannot be loaded
    ├── InputError              1    an input could not be read
    ├── StoreError              1    the store refuses what is asked of it
    │   ├── StoreVersionError   2    its tables, or the database, are of a version that does not fit
    │   ├── StoreInUseError     1    another process has the file
    │   ├── ClaimLostError      1    somebody else has become the writer: nothing was committed
    │   ├── StoreUnavailableError 1  it is away, full or does not answer: nothing was committed
    │   └── CommitUnknownError  1    it went away during a commit: whether it was made is not known
    ├── SourceError             1    a live source cannot be reached, or what it gives makes no sense
    │   └── SourceRefusedError  2    it is there, but cannot be used as configured: credentials, names, rights
    ├── TimeLimitError        124    the time given with --timeout is over
    └── InterruptionError  128+N     signal N came: 130 after Ctrl-C, 143 after a termination

The number is the exit code of the command. A run that ends without an error exits with 0, or with 3 when it found
something. Errors of foreign libraries are turned into one of these where they enter, with the original as cause.
A message says what was tried, on what, why it failed and what to do; it holds no secret and is one line.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the shell sees."""

    CLEAN = 0
    FAILED = 1  # also: an input could not be read, whatever was found in the others
    USAGE = 2
    FINDINGS = 3  # at or above --fail-on
    TIME_LIMIT = 124  # as timeout(1)
    INTERRUPTED = 130  # 128 + SIGINT
    TERMINATED = 143  # 128 + SIGTERM


class WhystuckError(Exception):
    """Base of all errors that whystuck raises on purpose."""

    exit_code: int = ExitCode.FAILED


class UsageError(WhystuckError):
    """The command line asks for something impossible."""

    exit_code = ExitCode.USAGE


class ConfigurationError(WhystuckError):
    """The configuration file or the environment is wrong."""

    exit_code = ExitCode.USAGE


class RuleError(ConfigurationError):
    """A rule cannot be loaded; the message names the file and the rule."""


class InputError(WhystuckError):
    """An input could not be read, or not to its end."""


class StoreError(WhystuckError):
    """The store refuses what is asked of it, and would refuse it again."""


class StoreVersionError(StoreError):
    """The tables, or the database itself, are of a version that does not fit; the message says what to do."""

    exit_code = ExitCode.USAGE


class StoreInUseError(StoreError):
    """Another process has the SQLite file: there can be one."""


class ClaimLostError(StoreError):
    """Somebody else has become the writer. Nothing was committed, and nothing more may be."""


class StoreUnavailableError(StoreError):
    """The store is away, full or does not answer in time. Nothing was committed; later it may work."""


class CommitUnknownError(StoreError):
    """The store went away during a commit: it was made as a whole or not at all, but which is not known."""


class SourceError(WhystuckError):
    """A live source cannot be reached; trying again later may help."""


class SourceRefusedError(SourceError):
    """A live source answers, but cannot be used as configured: trying again does not help."""

    exit_code = ExitCode.USAGE


class TimeLimitError(WhystuckError):
    """The time given to the command is over."""

    exit_code = ExitCode.TIME_LIMIT


class InterruptionError(WhystuckError):
    """A signal ended the command.

    Args:
        signal_number: the signal; the exit code is 128 above it, as shells expect.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"ended by signal {signal_number}")
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
