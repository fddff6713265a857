"""How fast a replay reads, and in how much memory, beside `wc -l` on the same file in the same run.

    python bench/bench_replay.py [MEGABYTES]

Two logs are made of the sample scenarios by repetition: a quiet one (healthy passes only) and one in which a rollout
fails all the time. Times are of whole processes, start included; memory is the highest resident set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCENARIOS = Path(__file__).parent.parent / "sample_logs" / "scenarios"
LOGS = {
    "quiet": SCENARIOS / "healthy-canary" / "controller.log",
    "failing": SCENARIOS / "seed-emissary-expired" / "controller.log",
}
WHYSTUCK = Path(sys.executable).parent / "whystuck"


def write_log(sample: Path, target: Path, megabytes: int) -> int:
    """Repeat a sample until it has the size; returns its bytes."""
    data = sample.read_bytes()
    with target.open("wb") as file:
        for _ in range(max(1, megabytes * 1_000_000 // len(data))):
            file.write(data)
    return target.stat().st_size


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of a command, its output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


VERDICT_MEGABYTES = 10


def print_verdict_times(folder: Path) -> None:
    """How long it takes to the verdict on a small log, the start of the interpreter included."""
    for name, sample in LOGS.items():
        log = folder / f"{name}.small.log"
        size = write_log(sample, log, VERDICT_MEGABYTES)
        seconds, _ = sorted(measure([str(WHYSTUCK), "replay", str(log), "-o", "jsonl"]) for _ in range(3))[1]
        print(f"{name}: verdict on {size / 1e6:.0f} MB {seconds:.2f} s after the start (median of 3)")


def main() -> None:
    """Measure both logs."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds, memory = min(measure([str(WHYSTUCK), "--help"]) for _ in range(5))
    print(f"whystuck --help: {seconds * 1000:.0f} ms, {memory:.0f} MiB (best of 5)")
    with tempfile.TemporaryDirectory() as folder:
        print_verdict_times(Path(folder))
        for name, sample in LOGS.items():
            log = Path(folder) / f"{name}.log"
            size = write_log(sample, log, megabytes)
            counted, _ = measure(["wc", "-l", str(log)])
            seconds, memory = measure([str(WHYSTUCK), "replay", str(log), "-o", "jsonl"])
            print(
                f"{name}: {size / 1e6:,.0f} MB in {seconds:.1f} s: {size / 1e6 / seconds:.0f} MB/s, "
                f"peak {memory:.0f} MiB; wc -l takes 1/{seconds / counted:.0f} of that"
            )


if __name__ == "__main__":
    main()
