"""`whystuck config validate` and `whystuck config show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipeline.config import load_configuration, settings
from tests.pipeline.cli.conftest import Run
from tests.pipeline.http.certificates import make_certificate

SOME = """\
cluster: eu-1
engine: {runaway: {failing_seconds: 90}, overrides: [{namespace: "dev-*", rule: {retries: 5}}]}
read: {block_bytes: 1MiB}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration of a few settings."""
    path = tmp_path / "whystuck.yaml"
    path.write_text(SOME, encoding="utf-8")
    return path


def test_valid(whystuck: Run, file: Path) -> None:
    """One line, status 0."""
    done = whystuck("config", "validate", "--config", file)
    assert (0, f"{file}: valid\n", "") == (done.code, done.out, done.err)


def test_valid_without_a_file(whystuck: Run) -> None:
    """The environment alone is checked."""
    done = whystuck("config", "validate")
    assert (0, "no configuration file is given; the environment is valid\n") == (done.code, done.out)


def test_says_everything_that_is_wrong(whystuck: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file and the environment; status 2."""
    file.write_text("clustr: x\nengine: {max_keys: 0}\nhttp: {token: hunter2}\n", encoding="utf-8")
    monkeypatch.setenv("WHYSTUCK_LOG_LEVEL", "loud")
    done = whystuck("config", "validate", "--config", file)
    assert (2, "", 4) == (done.code, done.out, len(done.err.splitlines()))
    for part in (
        "clustr: unknown setting; did you mean cluster?",
        "engine.max_keys: ",
        "http.token: a secret does not",
    ):
        assert part in done.err
    assert "WHYSTUCK_LOG_LEVEL: log.level: expected one of debug, info, warning, error" in done.err
    assert "hunter2" not in done.err


NAMED = """\
rules: [missing.toml]
store: {url: "mysql://db", password_file: empty}
http: {token_file: missing, certificate_file: whystuck.yaml, key_file: missing}
"""


def test_reads_the_files_that_are_named(whystuck: Run, file: Path) -> None:
    """All of them, relative to the configuration, unless only the syntax is asked for."""
    file.write_text(NAMED, encoding="utf-8")
    (file.parent / "empty").touch()
    done = whystuck("config", "validate", "--config", file)
    beginnings = [line.removeprefix("whystuck: ").replace(f"{file.parent}/", "") for line in done.err.splitlines()]
    assert [
        "missing.toml: cannot read the rules: No such file or directory; check the path",
        "store.password_file: empty is empty",
        "http.key_file: missing cannot be read: No such file or directory",
        "http.token_file: missing cannot be read: No such file or directory",
    ] == [line for line in beginnings if not line.startswith("store.url: ")]
    assert (2, 5) == (done.code, len(beginnings))
    assert 0 == whystuck("config", "validate", "--config", file, "--syntax-only").code


def test_files_of_receivers_are_read(whystuck: Run, file: Path, tmp_path: Path) -> None:
    """Each complaint names the receiver; no address and no secret is printed."""
    (tmp_path / "secrets").write_text("hunter2\n", encoding="utf-8")
    receivers = [
        {"name": "oncall", "url": "https://receiver.example/T0KEN", "signing_secrets_file": str(tmp_path / "secrets")},
        {"name": "chat", "format": "slack", "url_file": str(tmp_path / "missing")},
    ]
    file.write_text(json.dumps({"delivery": {"receivers": receivers}}), encoding="utf-8")
    done = whystuck("config", "validate", "--config", file)
    assert 2 == done.code
    assert "receiver oncall: " in done.err
    assert "receiver chat: " in done.err
    assert "T0KEN" not in done.err
    assert "hunter2" not in done.err


def test_certificate_and_key_have_to_fit(whystuck: Run, file: Path) -> None:
    """As the daemon would say it."""
    first, second = (make_certificate(file.parent, name) for name in ("first", "second"))
    file.write_text(f"http: {{certificate_file: {first.certificate}, key_file: {second.key}}}\n", encoding="utf-8")
    done = whystuck("config", "validate", "--config", file)
    assert (2, True) == (done.code, "KEY_VALUES_MISMATCH" in done.err)


def test_shows_what_was_decided(whystuck: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And by whom."""
    monkeypatch.setenv("WHYSTUCK_LOG_LEVEL", "debug")
    done = whystuck("config", "show", "--config", file, "-o", "jsonl")
    assert [
        ("engine.runaway.failing_seconds", 90.0, "file"),
        ("engine.overrides", "file"),
        ("read.block_bytes", 1_048_576, "file"),
        ("log.level", "debug", "environment"),
        ("cluster", "eu-1", "file"),
    ] == [
        (fact["setting"], *([] if isinstance(fact["value"], list) else [fact["value"]]), fact["source"])
        for fact in done.records
    ]
    assert "WHYSTUCK_LOG_LEVEL" == done.records[3]["variable"]


def test_effective_shows_every_setting_of_the_sections_that_are_there(whystuck: Run, file: Path) -> None:
    """With its default; a source that is not configured has none."""
    shown = json.loads(whystuck("config", "show", "--effective", "--config", file, "-o", "json").out)
    assert [name for name in settings() if not name.startswith(("kafka.", "kubernetes."))] == [
        fact["setting"] for fact in shown
    ]
    assert {"file", "default"} == {fact["source"] for fact in shown}


def test_effective_shows_the_settings_of_an_optional_section_that_is_there(whystuck: Run, tmp_path: Path) -> None:
    """All of them, not only those decided."""
    file = tmp_path / "kafka.yaml"
    file.write_text('kafka:\n  bootstrap_servers: ["127.0.0.1:9092"]\n  topics: [logs]\n', encoding="utf-8")
    shown = json.loads(whystuck("config", "show", "--effective", "--config", file, "-o", "json").out)
    expected = [name for name in settings() if not name.startswith("kubernetes.")]
    assert expected == [fact["setting"] for fact in shown]


def test_effective_yaml_is_a_configuration_that_gives_the_same(whystuck: Run, file: Path, tmp_path: Path) -> None:
    """With who decided each setting behind it."""
    done = whystuck("config", "show", "--effective", "--config", file, "-o", "yaml")
    again = tmp_path / "again.yaml"
    again.write_text(done.out, encoding="utf-8")
    assert load_configuration(file, {}) == load_configuration(again, {})
    assert "    failing_seconds: 1m30s  # file\n" in done.out
    assert '  listen: "127.0.0.1:9464"  # default\n' in done.out


def test_table_names_who_decided(whystuck: Run, file: Path) -> None:
    """In a column."""
    lines = [line.split() for line in whystuck("config", "show", "--config", file).out.splitlines()]
    assert ["read.block_bytes", "1MiB", "file"] in lines


@pytest.mark.parametrize("output", ["table", "yaml", "json", "jsonl"])
@pytest.mark.parametrize("effective", [[], ["--effective"]], ids=["decided", "effective"])
def test_secrets_are_hidden(
    whystuck: Run, file: Path, monkeypatch: pytest.MonkeyPatch, output: str, effective: list[str]
) -> None:
    """By their type, and by their shape where somebody put one elsewhere."""
    monkeypatch.setenv("WHYSTUCK_HTTP_TOKEN", "hunter2")
    monkeypatch.setenv("WHYSTUCK_STORE_URL", "postgresql://me:hunter2@db/x")
    monkeypatch.setenv("WHYSTUCK_ENGINE_RUNBOOK_URL", "https://hunter2@wiki.example/{class}?token=hunter2")
    done = whystuck("config", "show", *effective, "--config", file, "-o", output)
    assert 0 == done.code
    assert "hunter2" not in done.out
    assert "[hidden]" in done.out


def test_secret_is_a_comment_of_the_yaml(whystuck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may not hold it."""
    monkeypatch.setenv("WHYSTUCK_HTTP_TOKEN", "hunter2")
    done = whystuck("config", "show", "-o", "yaml")
    assert 'http:\n  # token: "[hidden]"  # environment WHYSTUCK_HTTP_TOKEN\n' == done.out
    assert {"http": None} == yaml.safe_load(done.out)


def test_show_refuses_a_configuration_that_is_wrong(whystuck: Run, file: Path) -> None:
    """As every command does."""
    file.write_text("clustr: x", encoding="utf-8")
    assert 2 == whystuck("config", "show", "--config", file).code
