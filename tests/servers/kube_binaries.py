"""Programs of a cluster, built once on a machine from the Go module proxy and kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.requirement import missing

MODULES = Path(__file__).with_name("gomod")
BUILD_SECONDS = 1500
_X = "k8s.io/component-base/version"
_VERSION = f"-X {_X}.gitVersion=v1.30.14 -X {_X}.gitMajor=1 -X {_X}.gitMinor=30"
"""Without it the server calls itself v0.0.0, and clients that go by the version are confused."""
ROLLOUTS = "github.com/argoproj/argo-rollouts"


def _of_rollouts(version: str) -> tuple[str, str, str]:
    variables = {"version": version, "gitTag": f"v{version}", "gitCommit": "0000000", "gitTreeState": "clean"}
    flags = " ".join(f"-X {ROLLOUTS}/utils/version.{name}={value}" for name, value in variables.items())
    return f"argo-rollouts-{version}", f"{ROLLOUTS}/cmd/rollouts-controller", flags


_BUILDS = {
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3", ""),
    "kube-apiserver": ("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", _VERSION),
    "kube-controller-manager": (
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        _VERSION,
    ),
    "rollouts-controller-1.7.1": _of_rollouts("1.7.1"),
    "rollouts-controller-1.9.1": _of_rollouts("1.9.1"),
}
"""By name: the folder with its modules, the package, and what its version is set to."""


def find_program(name: str) -> Path:
    """One of the programs by its name, as `etcd`; the first call on a machine takes minutes."""
    module, package, flags = _BUILDS[name]
    source = MODULES / module
    key = hashlib.sha256((source / "go.mod").read_bytes() + (source / "go.sum").read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whystuck-tests"
    program = cache / f"{name}-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with program.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        if not program.exists():
            _build(source, package, flags, program)
    return program


def _build(source: Path, package: str, flags: str, program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        missing(f"there is no Go, which builds {program.name}: install Go 1.24 or newer")
    unfinished = program.with_suffix(".part")
    command = [go, "build", "-p=2", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", f"-s -w {flags}"]
    try:
        done = subprocess.run(
            [*command, "-o", str(unfinished), package],
            cwd=source,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        missing(f"{program.name} was not built within {BUILD_SECONDS} s")
    if done.returncode != 0:
        missing(f"{program.name} could not be built: {done.stderr[-800:]}")
    unfinished.rename(program)


def find_manifests(version: str) -> Path:
    """The folder `manifests` of a release of Argo Rollouts, within its sources."""
    go = shutil.which("go") or missing("there is no Go, which fetches the manifests of Argo Rollouts")
    command = [go, "mod", "download", "-json", ROLLOUTS]
    source = MODULES / f"argo-rollouts-{version}"
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if done.returncode != 0:
        missing(f"Argo Rollouts {version} could not be fetched: {(done.stdout + done.stderr)[-800:]}")
    return Path(json.loads(done.stdout)["Dir"]) / "manifests"
