"""Logs put together of the controller's own lines (v1.7), where no recording shows what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sample_logs.rejected_suspects import rejected_suspects

_BASE_SECONDS = 0.001
_CAP_SECONDS = 10.0
_HEALTHY = (("storefront", "catalog"), ("storefront", "search"))


@dataclass
class ControllerLog:
    """Writes what argo-rollouts v1.7.1 writes with --logformat=text --loglevel=info."""

    at: datetime
    lines: list[str] = field(default_factory=list)

    def say(self, level: str, message: str, **fields: object) -> None:
        """One line at the present time."""
        shown = message.replace("\\", "\\\\").replace('"', '\\"')
        rest = "".join(f" {name}={value}" for name, value in fields.items())
        self.lines.append(f'time="{self.at:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{shown}"{rest}')

    def start(self, pod: str) -> None:
        """The banner of a process that takes the lead."""
        identity = f"{pod}_0d8f7b1e-2c45-4f0b-8f43-1a9a62c1f0aa"
        self.say("info", "Argo Rollouts starting", version="v1.7.1")
        self.say("info", f"Leaderelection get id {identity}")
        self.say("info", "attempting to acquire leader lease argo-rollouts/argo-rollouts-controller-lock...")
        self.say("info", "successfully acquired lease argo-rollouts/argo-rollouts-controller-lock")
        self.say("info", f"I am the new leader: {identity}")
        self.say("info", "Starting Rollout workers")
        self.say("info", "Started rollout workers")

    def stop(self) -> None:
        """The end of a process that was told to end."""
        self.say("warning", "Controller has stopped.")
        self.say("info", "Shutting down workers")
        self.say("info", "All rollout workers have stopped")
        self.say("info", "Exiting Main Run function")

    def good_pass(self, namespace: str, name: str) -> None:
        """A pass that succeeds."""
        about = {"generation": 4, "namespace": namespace, "resourceVersion": 640, "rollout": name}
        self.say("info", "Started syncing rollout", **about)
        self.say("info", "Reconciliation completed", **about, time_ms=11.204817)

    def failed_pass(self, namespace: str, name: str, error: str, count: int, took_seconds: float) -> None:
        """A pass that fails, and its retry line."""
        about = {"generation": 4, "namespace": namespace, "resourceVersion": 640, "rollout": name}
        self.say("info", "Started syncing rollout", **about)
        self.at += timedelta(seconds=took_seconds)
        self.say("error", f"roCtx.reconcile err {error}", **about)
        self.say("info", "Reconciliation completed", **about, time_ms=f"{took_seconds * 1000:.6f}")
        self.say("error", f"rollout syncHandler error: {error}", namespace=namespace, rollout=name)
        self.say(
            "info",
            f'rollout syncHandler queue retries: {count} : key "{namespace}/{name}"',
            namespace=namespace,
            rollout=name,
        )
        self.say("error", error, error='"<nil>"')

    def wait(self, seconds: float) -> None:
        """Time passes; the healthy rollouts are synced once where it is long enough."""
        self.at += timedelta(seconds=seconds)
        if seconds >= 5:
            for namespace, name in _HEALTHY:
                self.good_pass(namespace, name)


def failing(
    log: ControllerLog, namespace: str, name: str, error: str, *, attempts: int, took_seconds: float = 0.012
) -> None:
    """Attempts that all fail, with the waits of the work queue between them."""
    for count in range(1, attempts + 1):
        log.failed_pass(namespace, name, error, count, took_seconds)
        log.wait(min(_CAP_SECONDS, _BASE_SECONDS * 2.0 ** (count - 1)))


def _begin(hour: int) -> ControllerLog:
    log = ControllerLog(datetime(2026, 11, 23, hour, 0, 0, tzinfo=UTC))
    log.start("argo-rollouts-7c9d5f6b8-h4x2m")
    log.wait(7)
    return log


def retry_lines_only(scenarios: Path) -> dict[str, list[str]]:
    """What `grep 'queue retries' | tail -40` leaves of the seed incident: what people paste into a ticket."""
    lines = (scenarios / "seed-emissary-expired" / "controller.log").read_text(encoding="utf-8").splitlines()
    return {"grepped.log": [line for line in lines if "syncHandler queue retries" in line][-40:]}


def bare_timeout(_: Path) -> dict[str, list[str]]:
    """A time-out that names neither webhook nor service nor object."""
    log = _begin(9)
    error = "Timeout: request did not complete within requested timeout - context deadline exceeded"
    failing(log, "billing", "invoice-run", error, attempts=22, took_seconds=34.0)
    return {"controller.log": log.lines}


_ALLOTTED = (
    "the server was unable to return a response in the time allotted, but may still be processing the request "
    "(get mappings.getambassador.io ledger-sync)"
)


def webhook_log_does_not_help(_: Path) -> dict[str, list[str]]:
    """A time-out about a custom resource, which may be its conversion webhook's; that webhook's log is clean."""
    log = _begin(11)
    failing(log, "production", "ledger-sync", _ALLOTTED, attempts=20, took_seconds=60.0)
    return {"controller.log": log.lines, "emissary-apiext.log": list(_apiext_lines(11))}


def _apiext_lines(hour: int) -> Iterator[str]:
    for minute in (0, 9, 18):
        at = f"2026-11-23T{hour}:{minute:02d}:11.204Z"
        yield (
            f"{at}\tINFO\tapiext-cert-authority\tca/authority.go:133\tgenerating new server cert\t"
            '{"serverName": "emissary-apiext.emissary-system.svc"}'
        )
        yield (
            f"{at}\tINFO\tcrd-patch-controller\tcrd/controller.go:134\talready configured, skipping reconciliation\t"
            '{"name": "mappings.getambassador.io"}'
        )


def cause_in_another_log(_: Path) -> dict[str, list[str]]:
    """The same time-out; the API server's log (of `kubectl logs --timestamps`: klog has no year) says why."""
    log = _begin(13)
    failing(log, "production", "ledger-sync", _ALLOTTED, attempts=20, took_seconds=60.0)
    return {"controller.log": log.lines, "kube-apiserver.log": list(_apiserver_lines(13))}


def _apiserver_lines(hour: int) -> Iterator[str]:
    cause = (
        "conversion webhook for getambassador.io/v2, Kind=Mapping failed: Post "
        '"https://emissary-apiext.emissary-system.svc:443/webhooks/crd-convert?timeout=30s": tls: failed to verify '
        "certificate: x509: certificate has expired or is not yet valid: current time "
        "2026-11-23T{hour}:{minute:02d}:21Z is after 2026-11-23T04:12:33Z"
    )
    for minute in range(1, 20, 3):
        text = cause.format(hour=hour, minute=minute)
        yield (
            f"2026-11-23T{hour}:{minute:02d}:21.307012184Z "
            f"W1123 {hour}:{minute:02d}:21.306877       1 reflector.go:547] "
            "storage/cacher.go:/getambassador.io/mappings: failed to list getambassador.io/v3alpha1, Kind=Mapping: "
            f"{text}"
        )


def unheard_of_error(_: Path) -> dict[str, list[str]]:
    """An error that no rule knows."""
    log = _begin(15)
    error = "shard 3 has no primary, the write was not replicated"
    failing(log, "search", "ranker", error, attempts=24)
    return {"controller.log": log.lines}


def thirteen_retries(_: Path) -> dict[str, list[str]]:
    """A webhook whose pods are being replaced: thirteen retries within seconds, then all is well."""
    log = _begin(17)
    error = (
        'Internal error occurred: failed calling webhook "validate.guard.example": failed to call webhook: Post '
        '"https://guard.policy.svc:443/validate?timeout=10s": dial tcp 10.96.44.9:443: connect: connection refused'
    )
    failing(log, "media", "encoder", error, attempts=13)
    log.good_pass("media", "encoder")
    for _turn in range(12):
        log.wait(20)
        log.good_pass("media", "encoder")
    return {"controller.log": log.lines}


def handover(_: Path) -> dict[str, list[str]]:
    """A new release of the controller is rolled out: one process ends, another takes the lead. Nothing is wrong."""
    old = _begin(19)
    for _turn in range(6):
        old.wait(20)
    old.stop()
    new = ControllerLog(old.at + timedelta(seconds=3))
    new.start("argo-rollouts-6d4c8bb5f-q2x9z")
    for _turn in range(6):
        new.wait(20)
    return {"controller-old.log": old.lines, "controller-new.log": new.lines}


SELF_MADE: dict[str, Callable[[Path], dict[str, Sequence[str]]]] = {
    "unknown-retry-lines-only": retry_lines_only,
    "unknown-bare-timeout": bare_timeout,
    "unknown-webhook-log-does-not-help": webhook_log_does_not_help,
    "unknown-unheard-of-error": unheard_of_error,
    "unknown-suspects-rejected": rejected_suspects,
    "cause-in-another-log": cause_in_another_log,
    "healthy-thirteen-retries": thirteen_retries,
    "healthy-handover": handover,
}
"""By scenario: what makes its files."""
