"""Updates that the real Argo Rollouts controller ends or holds because of a metric, until somebody decides."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.controllers import NAMESPACE
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.live_watching import Watched, watching
from tests.servers.rollout_life import NAME, SECONDS, Life

pytestmark = pytest.mark.long

METRIC = "success-rate"
CANARY = {"steps": [{"setWeight": 25}, {"analysis": {"templates": [{"templateName": METRIC}]}}, {"setWeight": 50}]}


class Provider:
    """Where the metric is asked for; ended by `close`."""

    def __init__(self) -> None:
        self.value: float | None = 0.99  # None: it answers with status 500
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_arguments: object) -> None:
                """Print nothing."""

            def do_GET(self) -> None:
                body = json.dumps({"value": provider.value}).encode()
                self.send_response(200 if provider.value is not None else 500)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/value"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=["1.7.1", "1.9.1"])
def life(make_cluster: MakeCluster, request: pytest.FixtureRequest) -> Iterator[Life]:
    """With a controller of a release."""
    with closing(Life(make_cluster(), str(request.param))) as made:
        yield made


@pytest.fixture
def provider() -> Iterator[Provider]:
    """One that answers."""
    with closing(Provider()) as running:
        yield running


def test_update_is_ended_and_held_until_somebody_decides(life: Life, provider: Provider, tmp_path: Path) -> None:
    """Aborted by a bad value, and by a provider that fails: retried. Paused by a value that says nothing: promoted."""
    _put_template(life, provider)
    life.deploy("v1", CANARY, replicas=4)
    life.until_available(4)
    with watching(life.cluster, NAMESPACE, tmp_path) as watched:
        provider.value = 0.05
        life.deploy("v2", CANARY)
        _until_open(watched, 1, "analysis_failed", "measured 0.05")
        _retry(life, provider)
        _until_resolved(watched, 1)

        provider.value = None
        life.deploy("v3", CANARY)
        _until_open(watched, 2, "analysis_error", "500")
        _retry(life, provider)
        _until_resolved(watched, 2)

        provider.value = 0.5
        life.deploy("v4", CANARY)
        _until_open(watched, 3, "analysis_inconclusive", "measured 0.5")
        provider.value = 0.99
        _set_status(life, {"pauseConditions": None})
        _until_resolved(watched, 3)
        _until_stable(life)

        life.deploy("v5", {"steps": [{"setWeight": 25}, {"pause": {}}]})
        _abort_when_quiet(life)
        life.until(lambda: life.rollout()["status"].get("phase") == "Degraded", "aborted by a person")
        life.scale_by_hand(5)
        life.until_available(5)
        assert [("analysis", "resolved")] * 3 == [(one["kind"], one["status"]) for one in watched.incidents()]
        assert ["opened", "resolved"] * 3 == watched.told()
        watched.assert_replayed()


def _put_template(life: Life, provider: Provider) -> None:
    metric = {
        "name": METRIC,
        "count": 1,
        "consecutiveErrorLimit": 0,
        "successCondition": "result > 0.9",
        "failureCondition": "result < 0.1",
        "provider": {"web": {"url": provider.url, "jsonPath": "{$.value}"}},
    }
    template = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": METRIC},
        "spec": {"metrics": [metric]},
    }
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{life.namespace}/analysistemplates/{METRIC}"
    life.cluster.apply(path, template)


def _set_status(life: Life, status: dict[str, Any]) -> None:
    """As the kubectl plug-in does."""
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{life.namespace}/rollouts/{NAME}"
    life.cluster.set_status(path, status)


def _abort_when_quiet(life: Life) -> None:
    """As a person does, who is slower than the controller: it may overlook what is written while it writes itself."""
    is_paused = {"type": "Paused", "status": "True"}.items()
    life.until(lambda: any(is_paused <= one.items() for one in life.rollout()["status"]["conditions"]), "paused")
    time.sleep(5)
    _set_status(life, {"abort": True})


def _retry(life: Life, provider: Provider) -> None:
    provider.value = 0.99
    _set_status(life, {"abort": False})
    _until_stable(life)


def _until_stable(life: Life) -> None:
    def is_stable() -> bool:
        status = life.rollout()["status"]
        return bool(status["stableRS"] == status["currentPodHash"] and status["phase"] == "Healthy")

    life.until(is_stable, "the update is through")


def _until_open(watched: Watched, count: int, reason: str, text: str) -> None:
    found = watched.until_all(lambda found: len(found) == count and found[-1]["status"] == "open", reason, SECONDS)
    incident = found[-1]
    assert "analysis" == incident["kind"]
    assert (True, "AnalysisRun") == (incident["cause"]["established"], incident["cause"]["culprit"]["kind"])
    assert METRIC in incident["title"]
    assert text in incident["summary"]
    print(incident["title"], "|", incident["summary"])


def _until_resolved(watched: Watched, count: int) -> None:
    found = watched.until_all(lambda found: len(found) == count and found[-1]["status"] == "resolved", "over", SECONDS)
    watched.until_told_of(found[-1], "resolved")
