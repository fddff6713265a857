"""Red herrings: failures of other namespaces, webhooks and certificates, at the same time as those of a case."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.mutations.cases import Files, is_log
from tests.mutations.envelopes import times_of

_EVERY = timedelta(seconds=20)
_MOST_LINES = 200
Writer = Callable[[datetime, random.Random], str]


def _klog(severity: str, at: datetime, text: str) -> str:
    """As `kubectl logs --timestamps` prints it: klog has no year, and a file alone would be of this one."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ} {severity}{at:%m%d %H:%M:%S.%f}       1 {text}"


def _api_server(at: datetime, chance: random.Random) -> str:
    hook = chance.choice(("pods.herring.example", "routes.herring.example"))
    cause = chance.choice(
        (
            "context deadline exceeded",
            "dial tcp 10.99.1.7:443: connect: connection refused",
            "x509: certificate signed by unknown authority",
        )
    )
    url = f"https://{hook.split('.')[0]}-hook.herring-system.svc:443/validate?timeout=10s"
    return _klog(
        "W",
        at,
        f'dispatcher.go:225] Failed calling webhook, failing open {hook}: failed calling webhook "{hook}": '
        f'failed to call webhook: Post "{url}": {cause}',
    )


def _webhook_pod(at: datetime, chance: random.Random) -> str:
    peer = f"10.99.0.{chance.randrange(2, 9)}:{chance.randrange(40000, 60000)}"
    return f"{at:%Y/%m/%d %H:%M:%S} http: TLS handshake error from {peer}: remote error: tls: bad certificate"


def _issuer(at: datetime, chance: random.Random) -> str:
    name = chance.choice(("herring-tls", "smoked-tls"))
    return _klog(
        "E",
        at,
        f'controller.go:167] "re-queuing item due to error processing" '
        f'err="Get \\"https://acme.herring.example/directory\\": x509: certificate has expired or is not yet valid: '
        f'current time {at:%Y-%m-%dT%H:%M:%SZ} is after 2020-01-01T00:00:00Z" '
        f'logger="cert-manager.certificates" key="herring/{name}"',
    )


def _etcd(at: datetime, chance: random.Random) -> str:
    return (
        f'{{"level":"warn","ts":"{at:%Y-%m-%dT%H:%M:%S.%fZ}","caller":"embed/config_logging.go:169",'
        f'"msg":"rejected connection","remote-addr":"10.99.3.{chance.randrange(2, 9)}:51522","server-name":"",'
        '"error":"remote error: tls: bad certificate"}'
    )


def _gateway(at: datetime, chance: random.Random) -> str:
    return (
        f'[{at:%Y-%m-%dT%H:%M:%S.%fZ}] "GET /herring/{chance.randrange(99)} HTTP/1.1" 503 UF upstream connect error or '
        "disconnect/reset before headers. reset reason: connection failure, transport failure reason: "
        "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"
    )


_WRITERS: dict[str, Writer] = {
    "herring-apiserver.log": _api_server,
    "herring-webhook.log": _webhook_pod,
    "herring-issuer.log": _issuer,
    "herring-etcd.log": _etcd,
    "herring-gateway.log": _gateway,
}


def files_beside(files: Files, chance: random.Random) -> dict[str, bytes]:
    """One log of each of several other components, over the time of the case's logs."""
    times = sorted(at for data in files.values() if is_log(data) for at in times_of(_lines(data)))
    if not times:
        return {}
    step = max(_EVERY, (times[-1] - times[0]) / _MOST_LINES)
    moments: list[datetime] = []
    while not moments or moments[-1] + step <= times[-1]:
        moments.append(moments[-1] + step if moments else times[0])
    return {
        name: "".join(f"{writer(at, chance)}\n" for at in moments).encode("utf-8", "surrogateescape")
        for name, writer in _WRITERS.items()
    }


def mixed_into_one(files: Files, added: Files, chance: random.Random, *, by_time: bool = True) -> dict[str, bytes]:
    """All logs in one file, each line with its pod before it, as `kubectl logs --prefix` of many pods prints them."""
    logs = {name: _lines(data) for name, data in {**files, **added}.items() if is_log(data) or name in added}
    others = {name: data for name, data in files.items() if name not in logs}
    mixed = interleaved({f"[pod/{_pod_of(name)}/main] ": text for name, text in logs.items()}, chance, by_time=by_time)
    return {**others, "all.log": "".join(f"{line}\n" for line in mixed).encode("utf-8", "surrogateescape")}


def interleaved(logs: Mapping[str, Sequence[str]], chance: random.Random, *, by_time: bool) -> list[str]:
    """The lines of several logs in one, each behind its prefix and in its own order: by time, or as chance has it."""
    if not by_time:
        turns = [prefix for prefix, text in logs.items() for _ in text]
        chance.shuffle(turns)
        readers = {prefix: iter(text) for prefix, text in logs.items()}
        return [prefix + next(readers[prefix]) for prefix in turns]
    placed = []
    for prefix, text in logs.items():
        newest = datetime.min.replace(tzinfo=UTC)
        rank = chance.random()
        for number, (line, at) in enumerate(zip(text, times_of(text), strict=True)):
            newest = max(newest, at)
            placed.append((newest, rank, number, prefix + line))
    return [line for *_, line in sorted(placed)]


def _pod_of(name: str) -> str:
    return (
        name.removesuffix(".log").removesuffix(".txt").replace("/", "-").replace("_", "-").lower() + "-6f7d8c9b5-x2x4k"
    )


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8", "surrogateescape").removesuffix("\n")
    return text.split("\n")
