"""What the Argo Rollouts controller's own lines mean: one record in, at most one event out.

Source: argo-rollouts v0.2 to v1.10, utils/controller/controller.go (processNextWorkItem), rollout/controller.go
(syncHandler), controller/controller.go (start, leader election); client-go v0.18 to v0.34. The wording of the
retry line has not changed since v1.0.2. Lines are matched on the whole message, so that text inside another
object's message is never taken for a line of the controller.
"""

from __future__ import annotations

import enum
import re

import msgspec

from parsers.events import ObjectKey
from parsers.records import Level, LogRecord

KINDS = ("rollout", "experiment", "analysisrun", "service", "ingress")
_MAX_COUNT_DIGITS = 10
_MAX_NAME = 253

_RETRY = re.compile(r'(\w{1,20}) syncHandler queue retries: (\d+) : key \\?"([^"\\]{1,520})\\?"')
_SYNC_ERROR = re.compile(r"(\w{1,20}) syncHandler error: (.*)", re.DOTALL)
_OLD_SYNC_ERROR = re.compile(r"error syncing '([^']{1,520})': (.*?)(?:, requeuing)?$", re.DOTALL)
_INVALID = re.compile(r'The (Rollout|Experiment|AnalysisRun) "([^"\\]{1,253})" is invalid: (.*)', re.DOTALL)
_DELETED = re.compile(r"(Rollout|Experiment|AnalysisRun) ([\w.-]{1,253}/)?[\w.-]{1,253} has been deleted")
_LEADER = re.compile(r"(?:I am the new leader: |successfully acquired lease )(\S+)")
_LOST = re.compile(r"(?:failed to renew lease |OnStoppedLeading called, shutting down: )([^\s:,]+)")
_BANNER = re.compile(r"Argo Rollouts (?:controller )?starting")
_REFLECTOR = re.compile(r"(?:Failed to (?:list|watch)|failed to list|[Ff]ailed to watch) ")
_LEASE = re.compile(
    r"error (?:retrieving|initially creating|updating) (?:resource lock|leader election record)|Failed to update lock"
)
# Ends the process whatever its level. Source: argo-rollouts controller.go; client-go WaitForNamedCacheSync.
_CACHES = re.compile(
    r"(?:failed to wait for|unable to sync) (?:[\w./-]{1,80} )?caches (?:to sync|for )"
    r"|timed out waiting for caches? to "
)

_RECONCILE = "roCtx.reconcile err "
_ABOUT_A_KEY = re.compile(r"[Mm]easurement had error|[Mm]etric ['\"]|Metric assessed|roCtx\.reconcile err")
"""Lines that are only printed about a key, also where the key was cut off: never trouble of the controller itself."""


class LineKind(enum.Enum):
    """What a line of the controller says."""

    SYNC_COMPLETED = "sync_completed"
    SYNC_FAILED = "sync_failed"
    RETRY_COUNTED = "retry_counted"
    SYNC_REFUSED = "sync_refused"
    CONDITIONS_PATCHED = "conditions_patched"
    DELETED = "deleted"
    STARTED = "started"
    LEADER_ELECTED = "leader_elected"
    LEADER_LOST = "leader_lost"
    STOPPED = "stopped"
    REFLECTOR = "reflector"
    LEASE = "lease"
    FATAL = "fatal"
    PANICKED = "panicked"  # announced up to three times; the attempt's own line counts
    RECONCILE_FAILED = "reconcile_failed"  # the same attempt has a line of its own, unless somebody filtered that
    SYMPTOM = "symptom"  # repeats the cause of an attempt that has a line of its own
    OTHER = "other"


class ControllerLine(msgspec.Struct, frozen=True):
    """A record, read as a line of the controller. `cause` is the failure's text where the line has one."""

    kind: LineKind
    key: ObjectKey | None = None
    key_kind: str = ""  # kind of the key where the line does not name the key itself
    cause: str = ""
    count: int = 0
    generation: int | None = None
    name: str = ""  # version, identity or lease


def read_controller_line(record: LogRecord) -> ControllerLine:
    """What the record says if it is a line of the controller. Never raises."""
    message = record.message
    if message.startswith("Reconciliation completed"):
        return ControllerLine(LineKind.SYNC_COMPLETED, key=key_of_fields(record), generation=_generation(record))
    if "syncHandler" in message:
        return _read_sync_line(record)
    if "Rollouts" in message and (line := _read_banner(record)) is not None:
        return line
    if " is invalid: " in message and (match := _INVALID.match(message)) is not None:
        kind = match[1].lower()
        key = key_of_fields(record) or _key(kind, record.fields.get("namespace", ""), match[2])
        return ControllerLine(LineKind.SYNC_REFUSED, key=key, key_kind=kind, cause=message)
    return _read_rare_line(record)


def key_of_fields(record: LogRecord) -> ObjectKey | None:
    """The key that the record's own fields name, None where they do not."""
    namespace = record.fields.get("namespace", "")
    for kind in KINDS:
        name = record.fields.get(kind)
        if name:
            return _key(kind, namespace, name)
    return None


def _generation(record: LogRecord) -> int | None:
    text = record.fields.get("generation", "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= _MAX_COUNT_DIGITS else None


def _key(kind: str, namespace: str, name: str) -> ObjectKey | None:
    """A key of valid lengths; names of logs are data."""
    if kind not in KINDS or not namespace or not name or max(len(namespace), len(name)) > _MAX_NAME:
        return None
    if name[-1] in "-." or "\n" in name or "\n" in namespace:  # a name that was cut or folded
        return None
    return ObjectKey(kind, namespace, name)


def _key_of_text(kind: str, text: str) -> ObjectKey | None:
    namespace, slash, name = text.partition("/")
    return _key(kind, namespace, name) if slash else None


def _read_sync_line(record: LogRecord) -> ControllerLine:
    message = record.message
    if (match := _RETRY.match(message)) is not None:
        kind = match[1].lower()
        key = _key_of_text(kind, match[3])
        if key is None or len(match[2]) > _MAX_COUNT_DIGITS:
            return ControllerLine(LineKind.OTHER)
        return ControllerLine(LineKind.RETRY_COUNTED, key=key, count=int(match[2]))
    if (match := _SYNC_ERROR.match(message)) is not None and match[1].lower() in KINDS:
        kind = match[1].lower()
        return ControllerLine(LineKind.SYNC_FAILED, key=key_of_fields(record), key_kind=kind, cause=match[2])
    return ControllerLine(LineKind.OTHER)


def _read_banner(record: LogRecord) -> ControllerLine | None:
    if _BANNER.match(record.message) is None:
        return None
    version = record.fields.get("version", "")
    inner = re.search(r'"Version":"([^"]+)"', version)  # v1.5 and later in JSON: an object
    return ControllerLine(LineKind.STARTED, name=inner[1] if inner else version)


def _read_rare_line(record: LogRecord) -> ControllerLine:
    """Lines that stand in a log now and then."""
    message = record.message
    if record.level is Level.FATAL:
        return ControllerLine(LineKind.FATAL, cause=message)
    if message.startswith("Patched: ") and '"conditions"' in message:
        return ControllerLine(LineKind.CONDITIONS_PATCHED, key=key_of_fields(record), cause=message[len("Patched: ") :])
    if (match := _LEADER.match(message)) is not None:
        return ControllerLine(LineKind.LEADER_ELECTED, name=match[1])
    if (match := _LOST.match(message)) is not None:
        return ControllerLine(LineKind.LEADER_LOST, name=match[1])
    if message.startswith("Controller has stopped"):
        return ControllerLine(LineKind.STOPPED)
    return _read_line_about_key(record)


def _read_line_about_key(record: LogRecord) -> ControllerLine:
    """Rare lines about a key, and failures that have none."""
    message = record.message
    if (match := _OLD_SYNC_ERROR.match(message)) is not None:
        return ControllerLine(
            LineKind.SYNC_FAILED, key=_key_of_text("rollout", match[1]), key_kind="rollout", cause=match[2]
        )
    if _DELETED.match(message) is not None:
        return ControllerLine(LineKind.DELETED, key=key_of_fields(record))
    for text in (message, record.fields.get("error", "")):
        if _CACHES.match(text) is not None:
            return ControllerLine(LineKind.FATAL, cause=text)
    if _LEASE.search(message) is not None:
        return ControllerLine(LineKind.LEASE, cause=message)
    if _REFLECTOR.search(message) is not None:
        return ControllerLine(LineKind.REFLECTOR, cause=message)
    key = key_of_fields(record)
    if key is not None and message.startswith("Recovered from panic"):
        return ControllerLine(LineKind.PANICKED, key=key, cause=message)
    if key is not None and message.startswith(_RECONCILE):
        return ControllerLine(LineKind.RECONCILE_FAILED, key=key, cause=message[len(_RECONCILE) :])
    is_symptom = key is not None or _ABOUT_A_KEY.match(message) is not None
    return ControllerLine(LineKind.SYMPTOM if is_symptom else LineKind.OTHER)


def is_deletion_of(key: ObjectKey, cause: str) -> bool:
    """Whether a failure only says that the key's own object is gone.

    Source: argo-rollouts rollout/controller.go, syncHandler: a status update of a deleted Rollout fails with NotFound.
    """
    plural = {"rollout": "rollouts", "experiment": "experiments", "analysisrun": "analysisruns"}.get(key.kind, "")
    return bool(plural) and cause.strip() == f'{plural}.argoproj.io "{key.name}" not found'


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _Patch(msgspec.Struct):
    status: _Status | None = None


_PATCH_DECODER = msgspec.json.Decoder(_Patch)


def replica_failure_of(patch: str) -> str | None:
    """The message of a `ReplicaFailure` condition in a status patch; "" where the patch says there is none.

    None: the patch says nothing about it (it holds no conditions, or it cannot be read). A patch of conditions
    is the whole new list, so a list without the type means that the condition was removed.
    """
    try:
        status = _PATCH_DECODER.decode(patch).status
    except (msgspec.MsgspecError, RecursionError):
        return None
    if status is None or status.conditions is None:
        return None
    for condition in status.conditions:
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return condition.message
    return ""
