"""`whystuck classify`, `rules`, `schema`, `version` and `completion`."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.pipeline.cli.conftest import Run
from tests.property.raw_logs import error, passes, retry, text_line

GOOD_RULE = """\
[[rule]]
id = "our.gate"
class = "custom.gate"
literals = ["the gate is shut"]
pattern = '''the\\ gate\\ is\\ shut'''
explanation = "Somebody shut the gate."
samples_match = ["the gate is shut by ops"]
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A failed attempt of a key, its retry line, a line of somebody else's, and noise."""
    path = tmp_path / "short.log"
    other = text_line(5, "dial tcp 10.0.0.7:443: connect: connection refused", "", "error")
    path.write_bytes(b"\n".join([passes(1, "web"), error(2, "web"), retry(3, "web", 7), other]) + b"\n")
    return path


def test_classify_prints_every_recognised_line(whystuck: Run, log: Path) -> None:
    """Place, class, key and the facts in it."""
    done = whystuck("classify", "-o", "jsonl", log)
    found = [(record["line"], record["class"], record["rule"], record["key"]) for record in done.records]
    assert [
        (2, "tls.expired", "tls.expired-without-times", "rollout shop/web"),
        (3, "unknown", "controller.retry", "rollout shop/web"),
        (4, "network.refused", "network.refused", None),
    ] == found
    assert (0, 7) == (done.code, done.records[1]["retries"])


def test_classified_lines_fit_their_schema(whystuck: Run, log: Path) -> None:
    """The command's own."""
    schema = json.loads(whystuck("schema", "classified").out)
    for record in whystuck("classify", "-o", "jsonl", log).records:
        Draft202012Validator(schema).validate(record)


def test_classify_formats_say_the_same(whystuck: Run, log: Path) -> None:
    """And the table names the place."""
    lines = whystuck("classify", "-o", "jsonl", log).records
    assert lines == json.loads(whystuck("classify", "-o", "json", log).out)
    assert lines == yaml.safe_load(whystuck("classify", "-o", "yaml", log).out)
    assert f"{log}:2: tls.expired" in whystuck("classify", log).out


FILTERS = {
    "key": (["--key", "shop/web"], [2, 3]),
    "another key": (["--key", "shop/api"], []),
    "namespace": (["--namespace", "sho?"], [2, 3]),
    "since": (["--since", "2026-03-01T12:00:03Z"], [3, 4]),
    "until": (["--until", "2026-03-01T12:00:03Z"], [2, 3]),
}


@pytest.mark.parametrize(("arguments", "lines"), FILTERS.values(), ids=FILTERS)
def test_classify_filters(whystuck: Run, log: Path, arguments: list[str], lines: list[int]) -> None:
    """Only what is asked for."""
    assert lines == [record["line"] for record in whystuck("classify", "-o", "jsonl", log, *arguments).records]


def test_classify_reads_what_it_can(whystuck: Run, log: Path, tmp_path: Path) -> None:
    """A missing file is a failure, the others are printed."""
    done = whystuck("classify", "-o", "jsonl", tmp_path / "missing.log", log)
    assert (1, 3) == (done.code, len(done.records))
    assert "missing.log" in done.err


def test_rules_list_has_every_rule(whystuck: Run, tmp_path: Path) -> None:
    """The built-in ones, and yours."""
    file = tmp_path / "gate.toml"
    file.write_text(GOOD_RULE, encoding="utf-8")
    builtin = {record["id"] for record in whystuck("rules", "list", "-o", "jsonl").records}
    both = {record["id"] for record in whystuck("rules", "list", "-o", "jsonl", "--rules", file).records}
    assert {"our.gate"} == both - builtin
    assert "tls.expired" in whystuck("rules", "list").out


def test_rules_show_tells_everything_of_a_rule(whystuck: Run) -> None:
    """Meaning, source, pattern, samples, steps."""
    out = whystuck("rules", "show", "tls.expired").out
    for part in ("tls.expired", "Source: ", "Pattern:", "Matches: "):
        assert part in out
    (record,) = whystuck("rules", "show", "tls.expired", "-o", "jsonl").records
    assert "tls.expired" == record["class"]


def test_rules_show_suggests_what_was_meant(whystuck: Run) -> None:
    """A misspelt id is wrong usage."""
    done = whystuck("rules", "show", "tls.expird")
    assert (2, "whystuck: no rule 'tls.expird'; did you mean 'tls.expired'?\n") == (done.code, done.err)


def test_rules_test_says_that_all_is_well(whystuck: Run, tmp_path: Path) -> None:
    """With the number of rules."""
    file = tmp_path / "gate.toml"
    file.write_text(GOOD_RULE, encoding="utf-8")
    done = whystuck("rules", "test", file)
    assert (0, f"{file}: 1 rule, all samples as they should be\n") == (done.code, done.out)


def test_rules_test_names_every_fault_with_its_place(whystuck: Run, tmp_path: Path) -> None:
    """File, line and column; the other files are checked all the same."""
    good, bad, missing = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "missing.toml"
    good.write_text(GOOD_RULE, encoding="utf-8")
    bad.write_text(GOOD_RULE.replace("by ops", "").replace("shut'''", "shut\\\\ by'''"), encoding="utf-8")
    done = whystuck("rules", "test", bad, missing, good)
    assert 2 == done.code
    assert f"{bad}:7:1: " in done.err
    assert f"{missing}: cannot read the rules: No such file or directory" in done.err
    assert f"{good}: 1 rule" in done.out


@pytest.mark.parametrize("name", ["incident", "classified", "configuration", "statistics"])
def test_schema_is_a_valid_json_schema(whystuck: Run, name: str) -> None:
    """In JSON, on standard output."""
    Draft202012Validator.check_schema(json.loads(whystuck("schema", name).out))


def test_version_is_that_of_the_distribution(whystuck: Run) -> None:
    """And nothing else."""
    assert f"{version('whystuck')}\n" == whystuck("version").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_asks_the_command(whystuck: Run, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    """What it prints calls back with the variable that the command listens to."""
    monkeypatch.setenv("_WHYSTUCK_COMPLETE", "")  # the command sets it; it must not outlive this test
    done = whystuck("completion", shell)
    assert (0, True) == (done.code, f"_WHYSTUCK_COMPLETE=complete_{shell}" in done.out)


def test_completion_completes(whystuck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback of the script gets the commands that begin so."""
    monkeypatch.setenv("_WHYSTUCK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "whystuck re")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "replay" == whystuck().out.strip()


@pytest.mark.parametrize("shell", ["tcsh", ""])
def test_unknown_shell_is_refused(whystuck: Run, shell: str) -> None:
    """With those that are known."""
    done = whystuck("completion", shell)
    assert (2, True) == (done.code, "bash" in done.err)


@pytest.mark.parametrize(
    "command", [[], ["replay"], ["classify"], ["rules"], ["rules", "list"], ["schema"], ["completion"]]
)
def test_every_command_explains_itself(whystuck: Run, command: list[str]) -> None:
    """In plain text, on standard output."""
    done = whystuck(*command, "--help")
    assert (0, True) == (done.code, done.out.startswith("Usage: whystuck"))
