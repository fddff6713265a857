"""Rights that are missing, in sentences: what may not be read, where, and which RBAC rule would allow it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from pipeline.cluster.calls import Call

SHOWN: Final = 5
"""Namespaces in one sentence; more are counted."""


class Refusal(msgspec.Struct, frozen=True, order=True):
    """One call that was refused."""

    resource: str  # as RBAC calls it, with its group; of Secrets with their names
    rule: str  # that would allow it, on one line
    namespace: str = ""  # empty: in all of them, or there is none

    def __str__(self) -> str:
        return _sentence(self.resource, self.rule, (self.namespace,) if self.namespace else ())


def refusal_of(call: Call) -> Refusal:
    """Of a call that needs a right in its namespace, whatever the object is called."""
    return Refusal(f"{call.resource}.{call.group}" if call.group else call.resource, call.rule, call.namespace)


def sentences(refusals: Iterable[Refusal]) -> tuple[str, ...]:
    """One for each right, with all namespaces in which it is missing; sorted."""
    namespaces: dict[tuple[str, str], set[str]] = {}
    for one in refusals:
        namespaces.setdefault((one.resource, one.rule), set()).update({one.namespace} - {""})
    return tuple(_sentence(resource, rule, sorted(found)) for (resource, rule), found in sorted(namespaces.items()))


def _sentence(resource: str, rule: str, namespaces: Iterable[str]) -> str:
    names = list(namespaces)
    if not names:
        return f"{resource} may not be read; a ClusterRole with the rule {rule} would allow it"
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    noun = "namespace" if len(names) == 1 else "namespaces"
    return f"{resource} may not be read in {noun} {shown}; a Role there with the rule {rule} would allow it"
