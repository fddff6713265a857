"""A sidecar injector that cannot be called: what kubectl and kube-controller-manager v1.30 show; and healthy twins."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sample_logs.controller_log import ControllerLog

_BEGIN = datetime(2026, 11, 23, 21, 0, 0, tzinfo=UTC)
_ERROR = (
    'Internal error occurred: failed calling webhook "sidecar.injector.mesh.example": failed to call webhook: Post '
    '"https://mesh-injector.mesh-system.svc:443/inject?timeout=10s": dial tcp 10.96.71.20:443: connect: '
    "connection refused"
)


def _table(rows: Sequence[tuple[str, str, str, str, str, str]], *, printed_at: datetime) -> bytes:
    """What `kubectl get events -A` prints, in an archive: ages are counted back from when the file was written."""
    header = ("NAMESPACE", "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(5)]
    lines = (
        "   ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]])
        for row in (header, *rows)
    )
    text = "".join(f"{line}\n" for line in lines).encode()
    member = tarfile.TarInfo("events.txt")
    member.size, member.mtime = len(text), int(printed_at.timestamp())
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(text))
    return archive.getvalue()


_CREATING = f"Error creating: {_ERROR}"
_SCALED = "Scaled up ReplicaSet cart-7b9d6fc4b8 (revision 7) from 0 to 2"
_REPORTS = ("shop", "3m40s (x14 over 9m2s)", "Warning", "FailedCreate", "replicaset/reports-5d8c7bf96", _CREATING)


def events_table(_: Path) -> dict[str, bytes]:
    """The ReplicaSets of a Rollout and of a Deployment; both cannot create pods."""
    rows = (
        ("shop", "9m14s", "Normal", "ScalingReplicaSet", "rollout/cart", _SCALED),
        ("shop", "3m45s (x15 over 9m14s)", "Warning", "FailedCreate", "replicaset/cart-7b9d6fc4b8", _CREATING),
        ("shop", "9m2s", "Normal", "ScalingReplicaSet", "deployment/reports", "Scaled up replica set to 1"),
        _REPORTS,
    )
    return {"events.tar": _table(rows, printed_at=_BEGIN + timedelta(minutes=20))}


def healthy_events_table(_: Path) -> dict[str, bytes]:
    """A Rollout whose pods came after some seconds, and a Deployment's ReplicaSet that is none of ours."""
    rows = (
        ("shop", "9m14s", "Normal", "ScalingReplicaSet", "rollout/cart", _SCALED),
        ("shop", "9m3s (x12 over 9m14s)", "Warning", "FailedCreate", "replicaset/cart-7b9d6fc4b8", _CREATING),
        (
            "shop",
            "8m53s",
            "Normal",
            "SuccessfulCreate",
            "replicaset/cart-7b9d6fc4b8",
            "Created pod: cart-7b9d6fc4b8-4kx2p",
        ),
        _REPORTS,
    )
    return {"events.tar": _table(rows, printed_at=_BEGIN + timedelta(minutes=20))}


def _controller() -> ControllerLog:
    """A rollouts log at level info in which nothing is wrong."""
    log = ControllerLog(_BEGIN)
    log.start("argo-rollouts-7c9d5f6b8-h4x2m")
    for _turn in range(24):
        log.wait(20)
        log.good_pass("shop", "cart")
    return log


def _failed_syncs(attempts: int) -> Iterator[str]:
    """Attempts of the ReplicaSet controller with the waits of its queue: 5 ms, doubled each time."""
    at = _BEGIN + timedelta(seconds=31)
    for number in range(attempts):
        yield (
            f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}184Z E{at:%m%d %H:%M:%S}.{at.microsecond:06d}       1 "
            f'replica_set.go:557] sync "shop/cart-7b9d6fc4b8" failed with {_ERROR}'
        )
        at += timedelta(seconds=0.011 + 0.005 * 2**number)


def kcm_log(_: Path) -> dict[str, Sequence[str]]:
    """The rollouts log knows the Rollout and nothing of its trouble."""
    return {"controller.log": _controller().lines, "kube-controller-manager.log": list(_failed_syncs(17))}


def healthy_kcm_log(_: Path) -> dict[str, Sequence[str]]:
    """The injector's pods are being replaced: ten seconds without it."""
    return {"controller.log": _controller().lines, "kube-controller-manager.log": list(_failed_syncs(11))}


BLOCKED_PODS: dict[str, Callable[[Path], dict[str, bytes] | dict[str, Sequence[str]]]] = {
    "blocked-events-table": events_table,
    "healthy-events-table": healthy_events_table,
    "blocked-kcm-log": kcm_log,
    "healthy-kcm-log": healthy_kcm_log,
}
