"""What a replay says about a case, and what became of that in a mutated case."""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.engine.incidents import Incident, Victim
from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from tests.mutations.cases import Files
from tests.scenarios.scenarios import READ_AT, built_in_rules

CONTROLLER = "controller"


class Verdict(msgspec.Struct, frozen=True, order=True):
    """One incident, in what a reader acts upon."""

    victims: tuple[str, ...]  # `kind namespace/name`, sorted
    failure_class: str
    culprit: tuple[str, str, str]  # kind, namespace, name or host; empty where nobody is blamed
    is_established: bool
    chain: str  # the links of the cause in one text
    status: str
    count: int


class Outcome(enum.IntEnum):
    """What became of a verdict, from best to worst."""

    EQUAL = 0
    DETAIL = 1  # the same cause; victims, counts or the status are others, because lines are
    DEPTH = 2  # less deep: another class, or the wrapper that names what stands before the culprit, or no name at all
    FELL_BACK = 3  # not established any more
    MISSED = 4  # no incident
    NEW = 5  # an incident that was none, without a culprit
    WRONG = 6  # another culprit, or one where there was none
    CRASHED = 7


def verdicts_of(files: Files, renamed: Mapping[str, str] | None = None) -> list[Verdict]:
    """Replay the files; names that a mutation gave are taken back (`renamed`: new name -> old name)."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [_write(Path(folder) / name, data) for name, data in files.items()]
        found = replay(InputFiles(paths), EngineSettings(), built_in_rules(), read_at=READ_AT).incidents
    return sorted(_verdict(incident, renamed or {}) for incident in found if not incident.merged_into)


def _write(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def _verdict(incident: Incident, renamed: Mapping[str, str]) -> Verdict:
    def old(text: str | None) -> str:
        for new, name in sorted(renamed.items(), key=lambda pair: -len(pair[0])):  # longest first
            text = (text or "").replace(new, name)
        return text or ""

    cause, culprit = incident.cause, incident.cause.culprit
    return Verdict(
        victims=tuple(sorted(old(_victim(one)) for one in incident.victims)),
        failure_class=cause.failure_class,
        culprit=(culprit.kind, old(culprit.namespace), old(culprit.name)) if culprit else ("", "", ""),
        is_established=cause.established,
        chain=old("\n".join(cause.chain)),
        status="resolved" if incident.status == "resolved" else "open",
        count=max((one.retries or 0 for one in incident.victims), default=0),
    )


def _victim(one: Victim) -> str:
    """The controller has no name in a bare log, and its pod's where a wrapping tells it."""
    return CONTROLLER if one.kind == CONTROLLER else f"{one.kind} {one.namespace}/{one.name}"


def of_case(after: Iterable[Verdict], before: Sequence[Verdict]) -> list[Verdict]:
    """Without the trouble of components that logs tell of which were added to a case."""
    return [one for one in after if one.victims != (CONTROLLER,) or one in before]


def outcome(before: Sequence[Verdict], after: Sequence[Verdict]) -> Outcome:
    """The worst of what became of any verdict."""
    lost = [_fate(one, after) for one in before]
    return max([*lost, *(_origin(one, before) for one in after)], default=Outcome.EQUAL)


def _related(one: Verdict, others: Iterable[Verdict]) -> list[Verdict]:
    return [other for other in others if set(one.victims) & set(other.victims)]


def _fate(one: Verdict, after: Sequence[Verdict]) -> Outcome:
    """What became of a verdict that was right."""
    related = _related(one, after)
    if not related:
        return Outcome.MISSED
    return min(_change(one, other) for other in related)


def _origin(one: Verdict, before: Sequence[Verdict]) -> Outcome:
    """Where a verdict comes from."""
    related = _related(one, before)
    if not related:
        return Outcome.WRONG if one.is_established else Outcome.NEW
    return min(_change(other, one) for other in related)


def _change(before: Verdict, after: Verdict) -> Outcome:
    if before == msgspec.structs.replace(after, chain=before.chain):
        return Outcome.EQUAL
    if not after.is_established:
        return Outcome.FELL_BACK if before.is_established else Outcome.DETAIL
    if not before.is_established:
        return Outcome.WRONG
    if before.culprit != after.culprit:
        name = after.culprit[2].lower()  # of a CRD it is the plural, where the chain has the kind
        is_in_chain = bool(name) and all(part.removesuffix("s") in before.chain.lower() for part in name.split("."))
        return Outcome.DEPTH if is_in_chain or not any(after.culprit) else Outcome.WRONG
    return Outcome.DETAIL if before.failure_class == after.failure_class else Outcome.DEPTH
