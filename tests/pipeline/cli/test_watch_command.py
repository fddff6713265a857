"""`whystuck watch`: what it refuses before it begins. Everything else of it is tested as a process."""

from __future__ import annotations

import pytest

from tests.pipeline.cli.conftest import Run

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "labels beside a Deployment": (
        ("-l", "app=rollouts", "--deployment", "argo-rollouts"),
        "--selector, --deployment: only one of them can say which pods are controllers",
    ),
    "a Deployment that cannot be": (
        ("--deployment", "a/b/c"),
        "kubernetes: deployments: expected NAME or NAMESPACE/NAME",
    ),
    "a time-out that is none": (("--request-timeout", "soon"), 'invalid duration "soon"'),
    "a kubeconfig that is not there": (
        ("--kubeconfig", "gone/config"),
        "kubeconfig gone/config: there is no such file",
    ),
}


@pytest.mark.parametrize(("arguments", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(whystuck: Run, arguments: tuple[str, ...], expected: str) -> None:
    """Status 2 and one line."""
    done = whystuck("watch", "--from", "kubernetes", *arguments)
    assert (2, "") == (done.code, done.out)
    assert expected in done.err
    assert 1 == done.err.count("\n")
