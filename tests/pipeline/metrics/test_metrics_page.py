"""The page docs/metrics.md names the metrics of the code, and its alerts use them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.sources.live import SourceStatus, StreamLag
from tests.pipeline.metrics.test_metrics import MOVES, STUCK

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROWS = {
    name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
    for name, kind, labels in re.findall(r"^\| `(whystuck_\w+)` \| (\w+) \| ?([^|]*)\|", PAGE, re.MULTILINE)
}
SAME_AGAIN = ("watches of an API server", "time of calls")
"""What is shown of one tally once."""
ALERTS = [
    rule for group in yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["groups"] for rule in group["rules"]
]


def _families() -> dict[str, Metric]:
    """Everything that the code makes, with series in each."""
    metrics = Metrics(MetricsSettings(), "1")
    for name, (move, _, _) in MOVES.items():
        if name not in SAME_AGAIN:
            move(metrics)
    metrics.set_open_incidents([STUCK])
    metrics.set_source("raw", SourceStatus(True, False, {"t/0": StreamLag(1, 1.0)}))
    collected = metrics.registry.collect()
    own = (family for family in collected if family.name.startswith("whystuck_"))
    return {f"{family.name}_total" if family.type == "counter" else family.name: family for family in own}


def test_page_has_every_metric_and_no_other() -> None:
    """With its type."""
    assert {name: family.type for name, family in _families().items()} == {
        name: kind for name, (kind, _) in ROWS.items()
    }


@pytest.mark.parametrize("name", ROWS)
def test_page_has_the_labels(name: str) -> None:
    """Of the series that the code makes."""
    samples = _families()[name].samples
    assert samples
    assert {label for sample in samples for label in sample.labels} - {"le"} == set(ROWS[name][1])


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_use_metrics_that_exist(alert: dict[str, str]) -> None:
    """And say in a sentence what is wrong."""
    used = re.findall(r"whystuck_\w+", alert["expr"])
    assert used
    assert set(used) <= ROWS.keys()
    assert alert["annotations"]["summary"].endswith(".")
