"""Labels of an incident: whose its victims are, and whether their owners want to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parsers.events import ObjectKey
from pipeline.engine.incidents import Victim
from pipeline.engine.inventory import Inventory

OWNER_ANNOTATION: Final = "whystuck/owner"
NOTIFY_ANNOTATION: Final = "whystuck/notify"


def labels_of(victims: Sequence[Victim], inventory: Inventory) -> dict[str, str]:
    """`owner`: all owners, comma-separated; `notify`: "false" where every victim has opted out. Else neither."""
    owners: set[str] = set()
    opted_out = 0
    for victim in victims:
        owners.update(part.strip() for part in _annotation(OWNER_ANNOTATION, victim, inventory).split(","))
        opted_out += _annotation(NOTIFY_ANNOTATION, victim, inventory) == "false"
    labels = {"owner": ",".join(sorted(owners - {""}))}
    if victims and opted_out == len(victims):
        labels["notify"] = "false"
    return {name: value for name, value in labels.items() if value}


def _annotation(name: str, victim: Victim, inventory: Inventory) -> str:
    """Of the Rollout, or that of an AnalysisRun; else of its Namespace; empty where neither was seen or says so."""
    key = ObjectKey(victim.kind, victim.namespace or "", victim.name or "")
    rollout = inventory.rollout(key) or inventory.rollout_of_analysis(key)
    for facts in (rollout, inventory.namespace(key.namespace)):
        if facts is not None and name in facts.annotations:
            return facts.annotations[name]
    return ""
