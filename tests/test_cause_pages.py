"""docs/causes has a complete page for every failure class, and every incident points to one that exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from parsers.failure_classes import FAILURE_CLASSES
from pipeline.engine.analysis_incidents import CLASS as ANALYSIS
from pipeline.engine.commands import PATTERNS
from pipeline.engine.drift_incidents import RUNBOOK as DRIFT
from pipeline.engine.drift_incidents import STALE_RUNBOOK
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import DEFAULT_RUNBOOK
from pipeline.engine.silences import RUNBOOK as SILENCE

ROOT = Path(__file__).parents[1]
CAUSES = ROOT / "docs" / "causes"
PAGES = sorted(CAUSES.glob("*.md"))
INDEX = (CAUSES / "README.md").read_text(encoding="utf-8")
SECTIONS = [
    "How it looks",
    "Why it happens",
    "How to confirm",
    "How to fix",
    "How to prevent",
    "Look-alikes",
    "Sources",
]
NO_CLASSES = [SILENCE, DRIFT, STALE_RUNBOOK, ANALYSIS]
"""Pages of incidents that are no failures."""
MAX_LINES = 120
"""A page that is read at three in the morning."""


def _text(failure_class: str) -> str:
    return (CAUSES / f"{failure_class}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("failure_class", [*FAILURE_CLASSES, *NO_CLASSES])
def test_page_has_all_sections_in_order(failure_class: str) -> None:
    """Each with something in it."""
    text = _text(failure_class)
    assert text.startswith(f"# {failure_class}\n\n")
    assert SECTIONS == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert all(len(part.split()) > 3 for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:])
    assert MAX_LINES >= len(text.splitlines())


@pytest.mark.parametrize("failure_class", [*FAILURE_CLASSES, *NO_CLASSES])
def test_page_shows_messages_and_says_what_to_check_afterwards(failure_class: str) -> None:
    """At least two shapes of messages, something to run, and an end to the repair."""
    parts = re.split(r"^## .+$", _text(failure_class), flags=re.MULTILINE)
    looks, confirm, fix = parts[1], parts[3], parts[4]
    shapes = looks.split("```text\n")[1].split("```")[0].splitlines()
    assert 2 <= len(shapes)
    assert "`" in confirm
    assert "Check afterwards: " in fix


def test_there_is_no_page_of_a_class_that_is_gone() -> None:
    """Nor one that nothing points to."""
    assert {"README", *NO_CLASSES, *FAILURE_CLASSES} == {page.stem for page in PAGES}


def test_index_has_every_class_in_order() -> None:
    """One line each, with whom it mostly is about."""
    assert list(FAILURE_CLASSES) == re.findall(r"^\| \[([^]]+)\]\(\1\.md\) \| \S.* \| \S.* \|$", INDEX, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_finished(page: Path) -> None:
    """Nothing to fill in is left, and names are invented ones, not brackets."""
    text = page.read_text(encoding="utf-8")
    assert [] == re.findall(r"<[a-z][^>\n]*>|\b(?:TODO|TBD|FIXME|XXX)\b", text)
    assert [] == [name for name in re.findall(r"\{([a-z_]+)\}", text) if name in PATTERNS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_the_page_lead_somewhere(page: Path) -> None:
    """To a file, and to a heading of it where one is named."""
    for target, heading in re.findall(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        file = page.parent / target
        assert file.is_file(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings}
            assert heading in anchors, heading


COMMANDS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^ *```sh\n(.*?)^ *```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL), 1
    )
]


@pytest.mark.parametrize("block", COMMANDS)
def test_commands_of_the_page_are_read_by_a_shell(block: str) -> None:
    """`bash -n` reads without running."""
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-n"], input=block.encode(), capture_output=True, check=False)
    assert (0, b"") == (done.returncode, done.stderr)


def test_every_page_that_an_incident_names_is_there() -> None:
    """The default of the setting, for every class, and in every incident of the sample logs."""
    urls = {runbook_of(failure_class, DEFAULT_RUNBOOK) for failure_class in (*FAILURE_CLASSES, *NO_CLASSES)}
    for golden in (ROOT / "sample_logs" / "scenarios").glob("*/expected.json"):
        urls |= {incident["runbook_url"] for incident in json.loads(golden.read_text(encoding="utf-8"))}
    assert [] == [url for url in urls if url is None or not (ROOT / url).is_file()]
