"""What differs between two versions of an object, in words, where it can have to do with a rollout.

A fact with a time, which blames nobody. Only a watch tells when; numbers that come and go all day are left out.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.seen import AnyFacts
from pipeline.engine.incidents import ChangeCategory


class Change(msgspec.Struct, frozen=True, order=True):
    """Something that changed."""

    at: datetime
    what: str
    category: ChangeCategory


def changes_between(before: AnyFacts, after: AnyFacts, at: datetime) -> list[Change]:
    """What changed; empty where nothing did that matters."""
    return []
