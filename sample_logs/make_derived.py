"""Writes the sample logs that are made of others: `python sample_logs/make_derived.py`.

Two sorts. Wrappings hold a recorded log once more, in the shape in which runtimes and shippers store it. Self-made logs
are put together of the controller's own lines, where no recording shows what is wanted. A test runs this and compares.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sample_logs.blocked_pods import BLOCKED_PODS
from sample_logs.self_made import SELF_MADE

SCENARIOS = Path(__file__).parent / "scenarios"

NAMESPACE = "argo-rollouts"
CONTAINER = "argo-rollouts"
POD = "argo-rollouts-7c9d5f6b8-h4x2m"
UID = "5b0c5e7e-6f0b-4a52-9d55-3b1f4b7a9c10"
LABELS = {"app.kubernetes.io/name": "argo-rollouts", "pod-template-hash": "7c9d5f6b8"}

CRI_PART_BYTES = 512
"""As with containerd's max_container_log_line_size at 512: small, so that the lines that matter are split."""
TERMINAL_COLUMNS = 240
"""Longer lines reach over the border, as they do in a log that was saved and not photographed."""

_TIME = re.compile(r'time="?:?"?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z')
_MICROSECONDS_PER_LINE = 150

Files = dict[str, bytes]
"""Contents by path below the scenario's folder."""


def stamped(lines: Sequence[str]) -> Iterator[tuple[datetime, str]]:
    """Each line with the time at which a runtime would have read it: its own, a little later for each line."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    for line in lines:
        found = _TIME.search(line.replace('"time":', "time="))
        own_at = datetime.fromisoformat(f"{found[1]}+00:00") if found else at
        at = max(own_at, at + timedelta(microseconds=_MICROSECONDS_PER_LINE))
        yield at, line


def nanoseconds(at: datetime) -> str:
    """RFC 3339 with nine digits, as runtimes write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}417Z"


def joined(lines: Sequence[str]) -> bytes:
    """The lines of one file."""
    return "".join(f"{line}\n" for line in lines).encode()


def cri(lines: Sequence[str]) -> list[str]:
    """CRI logs, as of containerd and CRI-O: time, stream, P for a part and F for the last one, text."""
    wrapped = []
    for at, line in stamped(lines):
        parts = [line[start : start + CRI_PART_BYTES] for start in range(0, len(line), CRI_PART_BYTES)] or [""]
        tags = ["P"] * (len(parts) - 1) + ["F"]
        wrapped += [f"{nanoseconds(at)} stderr {tag} {part}" for tag, part in zip(tags, parts, strict=True)]
    return wrapped


def docker_json(lines: Sequence[str]) -> list[str]:
    """Docker's json-file driver."""
    return [
        json.dumps({"log": f"{line}\n", "stream": "stderr", "time": nanoseconds(at)}, separators=(",", ":"))
        for at, line in stamped(lines)
    ]


def fluent_bit(lines: Sequence[str]) -> list[str]:
    """Fluent Bit: tail of CRI logs with the kubernetes filter, written as JSON lines."""
    place = {"pod_name": POD, "namespace_name": NAMESPACE, "container_name": CONTAINER, "labels": LABELS}
    return [
        json.dumps(
            {
                "date": at.timestamp(),
                "time": nanoseconds(at),
                "stream": "stderr",
                "_p": "F",
                "log": line,
                "kubernetes": place,
            }
        )
        for at, line in stamped(lines)
    ]


def loki(lines: Sequence[str]) -> list[str]:
    """`logcli query -o jsonl`: the newest line first."""
    labels = {"app": "argo-rollouts", "container": CONTAINER, "namespace": NAMESPACE, "pod": POD, "stream": "stderr"}
    wrapped = [
        json.dumps({"labels": labels, "line": line, "timestamp": nanoseconds(at)}, separators=(",", ":"))
        for at, line in stamped(lines)
    ]
    return wrapped[::-1]


def kubectl(lines: Sequence[str]) -> list[str]:
    """`kubectl logs --prefix --timestamps`."""
    return [f"[pod/{POD}/{CONTAINER}] {nanoseconds(at)} {line}" for at, line in stamped(lines)]


def k9s(lines: Sequence[str]) -> list[str]:
    """Copied out of k9s: each line between the borders of its box, padded with blanks."""
    return [f"│ {line:<{TERMINAL_COLUMNS}} │" for line in lines]


def rotated(lines: Sequence[str]) -> Files:
    """The kubelet's folder of one container: the newest file plain, older ones compressed, their names tell when."""
    folder = f"pods/{NAMESPACE}_{POD}_{UID}/{CONTAINER}"
    wrapped = cri(lines)
    third = len(wrapped) // 3
    parts = [wrapped[:third], wrapped[third : 2 * third], wrapped[2 * third :]]
    files = {f"{folder}/0.log": joined(parts[-1])}
    for part, following in pairwise(parts):
        moment = following[0][:19].replace("-", "").replace(":", "").replace("T", "-")
        files[f"{folder}/0.log.{moment}.gz"] = gzip.compress(joined(part), mtime=0)
    return files


def _one_file(name: str, wrap: Callable[[Sequence[str]], list[str]]) -> Callable[[Sequence[str]], Files]:
    return lambda lines: {name: joined(wrap(lines))}


WRAPPINGS: dict[str, tuple[str, Callable[[Sequence[str]], Files]]] = {
    "wrapped-cri": ("emissary-refused", _one_file("0.log", cri)),
    "wrapped-docker-json": ("emissary-500", _one_file("container-json.log", docker_json)),
    "wrapped-fluent-bit": ("rbac-replicasets-create", _one_file("fluent-bit.jsonl", fluent_bit)),
    "wrapped-loki": ("emissary-refused", _one_file("loki.jsonl", loki)),
    "wrapped-kubectl-prefix": ("emissary-refused", _one_file("kubectl.log", kubectl)),
    "wrapped-k9s": ("emissary-refused", _one_file("k9s.txt", k9s)),
    "wrapped-rotated": ("emissary-refused", rotated),
}
"""By scenario: the scenario whose `controller.log` is wrapped, and how."""


def derived_files() -> Iterator[tuple[Path, bytes]]:
    """Every derived file and its contents."""
    for scenario, (source, wrap) in WRAPPINGS.items():
        lines = (SCENARIOS / source / "controller.log").read_text(encoding="utf-8").splitlines()
        for name, contents in wrap(lines).items():
            yield SCENARIOS / scenario / name, contents
    for scenario, make in {**SELF_MADE, **BLOCKED_PODS}.items():
        for name, contents in make(SCENARIOS).items():
            yield SCENARIOS / scenario / name, contents if isinstance(contents, bytes) else joined(contents)


def main() -> None:
    """Write all of them."""
    for path, contents in derived_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)


if __name__ == "__main__":
    main()
