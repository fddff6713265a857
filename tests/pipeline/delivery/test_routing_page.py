"""The page docs/routing.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from pipeline.delivery.labels import NOTIFY_LABEL, OWNER_LABEL, labels_of
from pipeline.delivery.matching import parse_matchers
from pipeline.delivery.notification import Occasion
from pipeline.delivery.settings import DEFAULT_INHIBITIONS, DeliverySettings
from pipeline.engine.labels import NOTIFY_ANNOTATION, OWNER_ANNOTATION
from tests.pipeline.delivery.told import told_incident

PAGE = (Path(__file__).parents[3] / "docs" / "routing.md").read_text(encoding="utf-8")
FIRST_CELLS = [
    name for cell in re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
]


def test_page_has_every_label_and_every_occasion() -> None:
    """And none that is gone."""
    labels = {*labels_of(told_incident()), OWNER_LABEL, NOTIFY_LABEL}
    annotations = {OWNER_ANNOTATION, NOTIFY_ANNOTATION}
    assert labels | annotations | {one.value for one in Occasion} == set(FIRST_CELLS)


def test_routes_of_the_page_name_its_receivers() -> None:
    """All of its matchers are some."""
    section = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["delivery"]
    names = {receiver["name"] for receiver in section["receivers"]}
    for route in section["routes"]:
        assert names.issuperset(route["receivers"])
        parse_matchers(route.get("matchers", ()))


def test_numbers_of_the_page_are_the_defaults() -> None:
    chosen = DeliverySettings()
    assert (10.0, 300.0, 20, 300.0) == (
        chosen.group_wait_seconds,
        chosen.group_interval_seconds,
        chosen.storm_incidents,
        chosen.storm_seconds,
    )
    assert f"`group_wait_seconds` ({chosen.group_wait_seconds:.0f} s)" in PAGE
    assert f"`storm_incidents` ({chosen.storm_incidents})" in PAGE


def test_every_default_inhibition_is_on_the_page() -> None:
    rows = PAGE.split("## Inhibition")[1].count("\n| ") - 1
    assert len(DEFAULT_INHIBITIONS) == rows
