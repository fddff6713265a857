"""Logs put together of the controller's own lines (v1.7), where no recording shows what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from sample_logs.certificate_logs import clock_behind, stale_bundle, stale_served
from sample_logs.controller_log import ControllerLog, begin, failing
from sample_logs.rejected_suspects import rejected_suspects


def retry_lines_only(scenarios: Path) -> dict[str, list[str]]:
    """What `grep 'queue retries' | tail -40` leaves of the seed incident: what people paste into a ticket."""
    lines = (scenarios / "seed-emissary-expired" / "controller.log").read_text(encoding="utf-8").splitlines()
    return {"grepped.log": [line for line in lines if "syncHandler queue retries" in line][-40:]}


def bare_timeout(_: Path) -> dict[str, list[str]]:
    """A time-out that names neither webhook nor service nor object."""
    log = begin(9)
    error = "Timeout: request did not complete within requested timeout - context deadline exceeded"
    failing(log, "billing", "invoice-run", error, attempts=22, took_seconds=34.0)
    return {"controller.log": log.lines}


_ALLOTTED = (
    "the server was unable to return a response in the time allotted, but may still be processing the request "
    "(get mappings.getambassador.io ledger-sync)"
)


def webhook_log_does_not_help(_: Path) -> dict[str, list[str]]:
    """A time-out about a custom resource, which may be its conversion webhook's; that webhook's log is clean."""
    log = begin(11)
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
    log = begin(13)
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
    log = begin(15)
    error = "shard 3 has no primary, the write was not replicated"
    failing(log, "search", "ranker", error, attempts=24)
    return {"controller.log": log.lines}


def thirteen_retries(_: Path) -> dict[str, list[str]]:
    """A webhook whose pods are being replaced: thirteen retries within seconds, then all is well."""
    log = begin(17)
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
    old = begin(19)
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
    "certificate-stale-bundle": stale_bundle,
    "certificate-stale-served": stale_served,
    "certificate-clock-behind": clock_behind,
}
"""By scenario: what makes its files."""
