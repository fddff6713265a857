"""Which members of an archive may be read, and as parts of which log."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.sources.journal import BrokenInputError, SkipReason, cannot_read, read_in_part
from pipeline.sources.layers import Reading
from pipeline.sources.rotation import RotatedSet, group_rotated

_DRIVE = re.compile(r"[A-Za-z]:")


class MemberGate:
    """Lets the members of one archive through, or says why not.

    Nothing is ever written under a member's name, so a name that climbs out can do no harm; but an honest archive has
    none, and what such a member holds was meant to deceive.
    """

    def __init__(self, archive: str, reading: Reading) -> None:
        self._archive = archive
        self._reading = reading
        self._count = 0

    def admit(self, name: str, *, is_regular: bool) -> str | None:
        """Return what to call a member, or None if it is left out.

        Raises:
            BrokenInputError: the archive has more members than are read.
        """
        self._count += 1
        limit = self._reading.limits.max_member_count
        if self._count > limit:
            why = f"it has more than {limit} members"
            raise BrokenInputError(read_in_part(self._archive, why, "unpack it and give the directory"))
        source = f"{self._archive}!/{name.removeprefix('./')}"
        journal = self._reading.journal
        if not is_regular:
            journal.skip(source, SkipReason.SPECIAL)
        elif is_climbing_out(name):
            journal.report(cannot_read(source, "its path leads out of the archive", "do not trust this archive"))
        elif is_hidden(name):
            journal.skip(source, SkipReason.HIDDEN)
        else:
            return source
        return None

    def group(self, sources: Sequence[str]) -> list[RotatedSet]:
        """Bring the parts of rotated logs together; copies are put aside."""
        sets = group_rotated(sources)
        for rotated in sets:
            for position in rotated.copies:
                self._reading.journal.skip(sources[position], SkipReason.SAME_PART)
        return sets


def is_climbing_out(name: str) -> bool:
    """Return whether a member's path is absolute or has a `..`, on any operating system."""
    slashed = name.replace("\\", "/")
    return slashed.startswith("/") or ".." in slashed.split("/") or _DRIVE.match(slashed) is not None


def is_hidden(name: str) -> bool:
    """Return whether a member is a hidden file, or what macOS adds to archives."""
    folders = posixpath.normpath(name).split("/")
    return "__MACOSX" in folders or any(folder.startswith(".") for folder in folders)


def utc_of(timestamp: float) -> datetime | None:
    """Return a member's time; None where the archive does not say (0) or says nonsense."""
    if timestamp <= 0:
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None
