"""Recordings as if they had been made here and now: at other times, with the errors that the API server here gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from parsers.timestamps import find_time

_TIME = re.compile(rb"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FAILURE = re.compile(
    rb"(?:conversion webhook for \S+, Kind=\w+ failed: |Internal error occurred: failed calling webhook )"
    rb"(?:(?!failed calling|conversion webhook for).)*?"
    rb"(?:current time (?P<clock>\S+?Z) is after \S+?Z|has prevented the request from succeeding)"
)
"""What the webhooks of the recordings made the API server say."""
_COUNT = re.compile(rb"(?<=queue retries: )\d+")
_CLOCK = re.compile(r"(?<=current time )\S+")


def shift_times(text: bytes, later: timedelta) -> bytes:
    """The same text with every time of the form 2026-11-23T15:54:34Z so much later."""

    def shifted(found: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(found[0].decode()) + later
        return f"{at:%Y-%m-%dT%H:%M:%SZ}".encode()

    return _TIME.sub(shifted, text)


def until_now(at: datetime) -> timedelta:
    """How much later a recording has to be for a moment of it to be this second."""
    return datetime.now(UTC).replace(microsecond=0) - at


def newest_time(lines: Iterable[bytes]) -> datetime:
    """The time of the last line that has one, without fractions."""
    found = [at for line in lines if (at := find_time(line)) is not None]
    return found[-1].replace(microsecond=0)


def has_failure(line: bytes) -> bool:
    """Whether a line tells of the webhook's failure."""
    return _FAILURE.search(line) is not None


def in_words_of_here(text: bytes, failure: str) -> bytes:
    """The same text with every failure as the API server here says it. The clock stays that of each attempt."""

    def said_here(found: re.Match[bytes]) -> bytes:
        said = _CLOCK.sub((found["clock"] or b"").decode(), failure)
        backslashes = len(found[0].partition(b'"')[0]) - len(found[0].partition(b'"')[0].rstrip(b"\\"))
        for _ in range(backslashes.bit_length()):  # a quote within a quoted string has 1, within that one 3
            said = json.dumps(said)[1:-1]
        return said.encode()

    return _FAILURE.sub(said_here, text)


class Recording:
    """A controller's log around a repair."""

    def __init__(self, lines: list[bytes]) -> None:
        last = max(number for number, line in enumerate(lines) if has_failure(line))
        self._broken, self._repaired = lines[: last + 1], lines[last + 1 :]

    @property
    def later(self) -> timedelta:
        """How much later it has to be for its last failure to be this second."""
        return until_now(newest_time(self._broken))

    def failing(self, failure: str, later: timedelta) -> list[bytes]:
        """Up to the last failure."""
        return [in_words_of_here(shift_times(line, later), failure) for line in self._broken]

    def attempt(self, failure: str) -> list[bytes]:
        """One more attempt that fails, now: as the last one, with the next count."""
        last = newest_time(self._broken)
        begun = next(number for number, line in enumerate(self._broken) if newest_time([line]) == last)
        lines = self.failing(failure, until_now(last))[begun:]
        return [_COUNT.sub(lambda found: str(int(found[0]) + 1).encode(), line) for line in lines]

    def healed(self) -> list[bytes]:
        """What follows the repair, from now on."""
        later = until_now(newest_time(self._repaired[:1]))
        return [shift_times(line, later) for line in self._repaired]
