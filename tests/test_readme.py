"""What the README shows is what the command prints, and what it points at is there."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import ExitCode
from tests.readme_outputs import README, ROOT, printed_output, shown_outputs

TEXT = README.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", shown_outputs())
def test_shown_output_is_what_the_command_prints(command: str) -> None:
    """Where this fails: `python -m tests.readme_outputs`, and read what is different."""
    assert shown_outputs()[command] == printed_output(command)


def test_readme_shows_an_established_cause_and_one_that_is_not() -> None:
    """And both are outputs that the test above sees."""
    assert [False, True] == ["cause not established" in output for output in shown_outputs().values()]


def test_links_lead_somewhere() -> None:
    """Every file that the README links to is there."""
    links = re.findall(r"\]\((?!http)([^)#]+)", TEXT)
    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_every_exit_code_is_explained() -> None:
    """In the table of the README."""
    codes = re.findall(r"^\| (\d[\d, ]*) \|", TEXT, re.MULTILINE)
    assert {code.value for code in ExitCode} == {int(number) for number in ", ".join(codes).split(", ")}
