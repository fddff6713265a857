"""What the pages of docs/ say of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.engine.backoff import seconds_until
from pipeline.engine.settings import EngineSettings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DECISIONS = (DOCS / "how-it-decides.md").read_text(encoding="utf-8")
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!http)(?P<file>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading of it."""
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = page.parent / link["file"] if link["file"] else page
        assert target.exists(), link[0]
        assert link["anchor"] is None or link["anchor"] in _anchors(target), link[0]


def test_places_of_the_architecture_exist() -> None:
    """Every file and folder that the page names."""
    named = set(re.findall(r"(?:parsers|pipeline|sample_logs|tests)/[\w./*]*", ARCHITECTURE))
    assert [] == sorted(place for place in named if not list(ROOT.glob(place.rstrip("/."))))


def test_table_of_the_back_off_is_what_is_calculated() -> None:
    """Counts, and the seconds until they are printed."""
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \|", DECISIONS, re.MULTILINE)
    assert len(rows) >= 5
    for count, seconds in rows:
        assert float(seconds) == pytest.approx(seconds_until(int(count)), rel=0.03)


def test_rules_are_described_with_their_defaults() -> None:
    """The numbers in the words of the page."""
    settings = EngineSettings()
    rule, severity = settings.runaway, settings.severity
    for text in (
        f"No pass has succeeded for {rule.failing_seconds:.0f} seconds",
        f"at least {rule.min_failures} attempts failed",
        f"count has reached {rule.retries}, and the trouble has lasted for {rule.retries_seconds:.0f} seconds",
        f"repeats for {settings.controller_seconds:.0f} seconds or ends the process",
        f"{severity.critical_victims} objects or more",
        f"objects in {severity.critical_namespaces} namespaces",
        f"lasted for {severity.critical_seconds / 60:.0f} minutes",
        f"opens within {settings.group_wait_seconds:.0f} seconds",
        f"back within {settings.reopen_seconds / 60:.0f} minutes",
        f"without a line for {settings.stale_seconds / 60:.0f} minutes",
    ):
        assert text in DECISIONS
