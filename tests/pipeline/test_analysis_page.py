"""The page docs/analysis.md says what the frames hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.analysis import FRAMES, Analysis
from pipeline.statistics.collector import MAX_BUCKETS
from pipeline.templates import GROWTH, MAX_TEXTS, MIN_GROWING

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "analysis.md").read_text(encoding="utf-8")
COMMAND = (DOCS / "command.md").read_text(encoding="utf-8")


def _documented(frame: str) -> list[str]:
    section = PAGE.split(f"### {frame}\n")[1].split("\n## ")[0].split("\n### ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


@pytest.mark.parametrize("frame", [name for name, _ in FRAMES])
def test_every_column_is_described(frame: str) -> None:
    """In the order of the frame, and none that is gone."""
    assert list(Analysis.of_events([]).frames[frame].columns) == _documented(frame)


def test_example_shows_what_is_there() -> None:
    """The numbers in the comments are those of the sample log."""
    analysis = Analysis.of_logs(
        [str(DOCS.parent / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log")]
    )
    shown = analysis.keys[["namespace", "name", "attempts", "max_retries", "longest_streak_seconds"]].to_string()
    causes = analysis.causes[["class", "onset_to_cause_seconds", "onset_to_opened_seconds"]].to_string()
    for line in (*shown.splitlines(), *causes.splitlines()):
        assert f"# {line}".rstrip() in PAGE


def test_limits_are_those_of_the_code() -> None:
    """The pages name them."""
    assert f"{MAX_BUCKETS:,} sums" in PAGE
    assert f"At most {MAX_TEXTS:,} different texts" in COMMAND
    assert (3, 5) == (GROWTH, MIN_GROWING)
    assert "more than three times the rate before, and it was met at least five times" in " ".join(COMMAND.split())
