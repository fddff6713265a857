"""The command as a process: signals, pipes, colours, and how much of it is loaded to begin with."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ENTRY = "import sys; from pipeline.cli.main import main; main()"
TIMEOUT = 240
HEAVY = (
    *(
        "cryptography",
        "drain3",
        "fsspec",
        "hyperscan",
        "jsonschema",
        "kafka",
        "kubernetes",
        "msgspec",
        "numpy",
        "pandas",
    ),
    *("regex", "rich", "sqlalchemy", "yaml", "zstandard", "parsers", "pipeline.engine", "pipeline.sources"),
)


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", ENTRY, *map(str, arguments)]


@contextmanager
def _reading_a_pipe(stuck: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A replay that has read one log and waits for more of another, which is a pipe that nobody ends."""
    fifo = tmp_path / "fifo.log"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        _command("replay", "-o", "jsonl", stuck, fifo), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        with fifo.open("wb"):  # opens as soon as the command does, which is after it has read the first log
            yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_the_reading_and_prints_what_was_found(stuck: Path, tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C and termination: what was read so far is told."""
    with _reading_a_pipe(stuck, tmp_path) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (code, ["api", "web"]) == (process.returncode, [victim["name"] for victim in json.loads(out)["victims"]])
    assert "interrupted: this is what was found so far" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("output", ["table", "jsonl", "json"])
@pytest.mark.parametrize("verb", ["replay", "classify"])
def test_reader_that_leaves_is_no_failure(stuck: Path, verb: str, output: str) -> None:
    """`whystuck … | head -1`: no complaint, and the code tells of the findings all the same."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        _command(verb, "-o", output, stuck),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    os.close(writing)
    assert ({"replay": 3, "classify": 0}[verb], False) == (done.returncode, "rror" in done.stderr)


def test_standard_input_is_read(stuck: Path) -> None:
    """As `-`."""
    done = subprocess.run(
        _command("replay", "-o", "jsonl", "-"),
        input=stuck.read_bytes(),
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (3, 2) == (done.returncode, len(json.loads(done.stdout)["victims"]))


def _on_a_terminal(stuck: Path, **environment: str) -> bytes:
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        _command("replay", stuck),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**plain, "TERM": "xterm-256color", **environment},
    ):
        os.close(theirs)
        written = bytearray()
        try:
            while chunk := os.read(ours, 65_536):
                written += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    return bytes(written)


def test_terminal_gets_colours_unless_they_are_refused(stuck: Path) -> None:
    """NO_COLOR is honoured."""
    assert b"\x1b[33m" in _on_a_terminal(stuck)
    assert b"\x1b[33m" not in _on_a_terminal(stuck, NO_COLOR="1")


def test_pipe_gets_neither_colours_nor_broken_lines(stuck: Path) -> None:
    """So that grep finds what is in them."""
    out = subprocess.run(_command("replay", stuck), capture_output=True, text=True, check=False, timeout=TIMEOUT).stdout
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) > 120


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"], ["version"], ["completion", "bash"]])
def test_little_is_loaded_to_begin_with(arguments: list[str]) -> None:
    """Help has to come at once; what a verb needs is loaded when it runs."""
    code = f"""
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv[1:] = {arguments!r}
{ENTRY}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT)
    loaded = done.stderr.split()
    assert [] == [name for name in loaded if name in HEAVY or name.startswith(tuple(f"{one}." for one in HEAVY))]
