"""The controller's own lines, as argo-rollouts v1.7.1 writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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


def begin(hour: int) -> ControllerLog:
    """A controller that starts at this hour."""
    log = ControllerLog(datetime(2026, 11, 23, hour, 0, 0, tzinfo=UTC))
    log.start("argo-rollouts-7c9d5f6b8-h4x2m")
    log.wait(7)
    return log
