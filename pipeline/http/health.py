"""What /livez and /readyz say, in the form of Kubernetes' own end-points. Pure: no server is needed to test it.

A list has one line for each check, `[+]store ok` or `[-]source failed: …`. Without trouble and without `?verbose` the
answer is `ok`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from parsers.text import scrub
from pipeline.secret import hide_secrets
from pipeline.status import Check, DaemonRole, DaemonStatus

WITHHELD = "reason withheld"
_READY_ROLES = frozenset({DaemonRole.ACTIVE, DaemonRole.STANDBY})


class Health(msgspec.Struct, frozen=True):
    """An answer."""

    is_ok: bool
    text: str


class Question(msgspec.Struct, frozen=True):
    """What is asked for."""

    is_verbose: bool = False
    excluded: frozenset[str] = frozenset()
    may_see_details: bool = True  # reasons name hosts: not for everybody


def liveness(seconds_since_beat: float, stall_seconds: float) -> list[Check]:
    """Whether the pipeline goes on. An outage of Kafka or of the database is no reason to be started anew."""
    since = f"last went on {seconds_since_beat:.0f} s ago"
    return [Check("pipeline", seconds_since_beat < stall_seconds, f"{since}, {stall_seconds:.0f} s are allowed")]


def readiness(status: DaemonStatus) -> list[Check]:
    """Whether it does its work, or stands by to do it; then what the daemon itself checks."""
    since = status.since.isoformat(timespec="seconds").replace("+00:00", "Z")
    role = Check("role", status.role in _READY_ROLES, f"{status.role.value} since {since}")
    return [role, *status.checks]


def answer(name: str, checks: Iterable[Check], question: Question, warnings: Iterable[str] = ()) -> Health:
    """The answer to a question about these checks; warnings are told to whoever may see details."""
    listed = list(checks)
    is_ok = all(check.is_ok or check.name in question.excluded for check in listed)
    if is_ok and not question.is_verbose:
        return Health(is_ok, "ok")
    lines = [_line_of(check, question) for check in listed]
    lines += _unmatched(question.excluded, {check.name for check in listed})
    lines += [f"warn: {_safe(warning)}" for warning in warnings] if question.may_see_details else []
    lines.append(f"{name} check {'passed' if is_ok else 'failed'}")
    return Health(is_ok, "".join(f"{line}\n" for line in lines))


def _line_of(check: Check, question: Question) -> str:
    if check.name in question.excluded:
        return f"[+]{check.name} excluded: ok"
    detail = _safe(check.detail) if question.may_see_details else "" if check.is_ok else WITHHELD
    verdict = f"[+]{check.name} ok" if check.is_ok else f"[-]{check.name} failed"
    return f"{verdict}: {detail}" if detail else verdict


def _unmatched(excluded: Collection[str], known: Collection[str]) -> list[str]:
    names = sorted(f'"{_safe(name)[:60]}"' for name in excluded if name not in known)
    return [f"warn: some health checks cannot be excluded: no matches for {', '.join(names[:10])}"] if names else []


def _safe(text: str) -> str:
    return " ".join(scrub(hide_secrets(text)).split())
