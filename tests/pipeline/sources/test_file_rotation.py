"""Rotated logs are recognised by name, and only where the name is unambiguous."""

from __future__ import annotations

import pytest

from pipeline.sources.rotation import group_rotated


@pytest.mark.parametrize(
    ("names", "log", "parts"),
    [
        pytest.param(
            ["d/c.log", "d/c.log.1", "d/c.log.10.gz", "d/c.log.2.gz"],
            "d/c.log",
            ["d/c.log.10.gz", "d/c.log.2.gz", "d/c.log.1", "d/c.log"],
            id="logrotate, numbers in numeric order",
        ),
        pytest.param(
            ["c.log", "c.log-20260102", "c.log-20260101.gz"],
            "c.log",
            ["c.log-20260101.gz", "c.log-20260102", "c.log"],
            id="logrotate dateext",
        ),
        pytest.param(
            ["0.log", "0.log.20260101-101010.gz", "0.log.20260101-101011"],
            "0.log",
            ["0.log.20260101-101010.gz", "0.log.20260101-101011", "0.log"],
            id="kubelet",
        ),
        pytest.param(
            ["a-json.log", "a-json.log.1"], "a-json.log", ["a-json.log.1", "a-json.log"], id="Docker json-file"
        ),
        pytest.param(
            ["c-2026-01-01T10-10-10.000.log.gz", "c.log"],
            "c.log",
            ["c-2026-01-01T10-10-10.000.log.gz", "c.log"],
            id="lumberjack",
        ),
        pytest.param(["controller", "controller.1"], "controller", ["controller.1", "controller"], id="beside"),
        pytest.param(["c.log.2.gz", "c.log.1"], "c.log", ["c.log.2.gz", "c.log.1"], id="plain file missing"),
    ],
)
def test_parts_come_oldest_first(names: list[str], log: str, parts: list[str]) -> None:
    """The parts of one log are brought into the order in which they were written."""
    (rotated,) = group_rotated(names)

    assert (log, parts) == (rotated.name, [names[position] for position in rotated.parts])


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["controller-1.log", "controller-2.log"], id="replicas"),
        pytest.param(["0.log", "1.log"], id="restarts of a container"),
        pytest.param(["a/c.log", "b/c.log.1"], id="other directories"),
        pytest.param(["release-1.7", "release-1.8"], id="versions"),
        pytest.param(["c-2026-01-01.log", "c-2026-01-02.log"], id="days without a plain file"),
        pytest.param(["c.log", "c-previous.log"], id="kubectl logs --previous"),
    ],
)
def test_ambiguous_names_stay_apart(names: list[str]) -> None:
    """What may be different logs is not joined."""
    assert names == [rotated.name for rotated in group_rotated(names)]


def test_compressed_copy_is_put_aside() -> None:
    """A rotation caught between compressing and deleting leaves the same part twice."""
    (rotated,) = group_rotated(["c.log.1.gz", "c.log", "c.log.1"])

    assert ((2, 1), (0,)) == (rotated.parts, rotated.copies)


def test_single_part_keeps_its_own_name() -> None:
    """Nobody looks for a file that is not there."""
    assert ["c.log.3.gz"] == [rotated.name for rotated in group_rotated(["c.log.3.gz"])]
