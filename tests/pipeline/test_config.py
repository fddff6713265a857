"""The configuration: what is read, what is refused and in which words, what wins over what."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import (
    Configuration,
    FailOn,
    SettingSource,
    _is_foreign,
    environment_name,
    load_configuration,
    settings,
    split_list,
    trace_configuration,
)
from pipeline.engine.settings import EngineSettings, RuleOverride, RunawayRule, SeverityRule
from pipeline.errors import ConfigurationError
from pipeline.sources.journal import ReadLimits

WRITE_IT = "write it like 30s, 5m, 1h30m or 14d"
UNITS = f"expected numbers with the units d, h, m, s, ms; {WRITE_IT}"
NUMBER = "expected a whole number of at least 1"
QUOTES = "put it in quotes if it is meant as text"
TOP = f"known here: {', '.join(Configuration.__struct_fields__)}"


def load(directory: Path, text: str | bytes, environment: dict[str, str] | None = None, **flags: str) -> Configuration:
    """The configuration of a file with this text; flags are named with two underscores for a dot."""
    path = directory / "whystuck.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_configuration(path, environment or {}, {name.replace("__", "."): flag for name, flag in flags.items()})


ACCEPTED = {
    "empty file": ("", Configuration()),
    "only comments": ("# nothing\n", Configuration()),
    "section whose settings are all comments": ("engine:\n  # max_keys: 5\nrules:\n", Configuration()),
    "text": ("cluster: eu-1", Configuration(cluster="eu-1")),
    "a number in quotes is text": ('cluster: "42"', Configuration(cluster="42")),
    "nothing where nothing is allowed": ("cluster: ~", Configuration()),
    "choice": ("fail_on: critical", Configuration(fail_on=FailOn.CRITICAL)),
    "a choice that YAML takes for text": ('fail_on: "never"', Configuration(fail_on=FailOn.NEVER)),
    "number": ("engine: {max_keys: 100}", Configuration(engine=EngineSettings(max_keys=100))),
    "number with groups": ("engine: {max_keys: 100_000}", Configuration(engine=EngineSettings(max_keys=100_000))),
    "duration without unit": (
        "engine: {group_wait_seconds: 2.5}",
        Configuration(engine=EngineSettings(group_wait_seconds=2.5)),
    ),
    "durations": (
        "engine:\n  runaway: {failing_seconds: 5m, retries_seconds: 500ms}\n  severity: {critical_seconds: '1h30m'}\n",
        Configuration(
            engine=EngineSettings(
                runaway=RunawayRule(failing_seconds=300, retries_seconds=0.5),
                severity=SeverityRule(critical_seconds=5400),
            )
        ),
    ),
    "size": ("read: {block_bytes: 64KiB}", Configuration(read=ReadLimits(block_bytes=65_536))),
    "an override takes from runaway what it leaves out": (
        "engine:\n  overrides:\n    - {namespace: 'prod-*', rule: {retries: 50}}\n  runaway: {failing_seconds: 5m}\n",
        Configuration(
            engine=EngineSettings(
                runaway=RunawayRule(failing_seconds=300),
                overrides=(RuleOverride(namespace="prod-*", rule=RunawayRule(failing_seconds=300, retries=50)),),
            )
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_reads(tmp_path: Path, text: str, expected: Configuration) -> None:
    """What the file says is in the configuration, everything else has its default."""
    assert expected == load(tmp_path, text)


REFUSED = {
    "unknown section": ("engin: {}", "1:1: engin: unknown setting; did you mean engine?"),
    "unknown setting": (
        "engine:\n  runaway:\n    failing_secs: 30s\n",
        "3:5: engine.runaway.failing_secs: unknown setting; did you mean failing_seconds?",
    ),
    "unknown setting, nothing like it": ("zzz: 1", f"1:1: zzz: unknown setting; {TOP}"),
    "unknown setting of several lines": ('"a\\nb": 1', f'1:1: "a\\nb": unknown setting; {TOP}'),
    "unknown setting in a list": (
        "engine:\n  overrides:\n  - rule: {}\n  - rule: {}\n    namespaces: x\n",
        "5:5: engine.overrides[1].namespaces: unknown setting; did you mean namespace?",
    ),
    "set twice": ("cluster: a\ncluster: b\n", "2:1: cluster: set twice"),
    "missing": ("engine: {overrides: [{namespace: x}]}", "1:22: engine.overrides[0].rule: missing"),
    "name is a number": ("1: a", f'1:1: expected text, found "1"; {QUOTES}'),
    "name is a list": ("? [a]\n: b\n", "1:3: expected text, found a list"),
    "a list at the top": ("- a", "1:1: expected settings (name: value), found a list"),
    "text at the top": ("just words", '1:1: expected settings (name: value), found "just words"'),
    "list for a section": ("engine: []", "1:9: engine: expected settings (name: value), found a list"),
    "text for a list": ("rules: mine.toml", '1:8: rules: expected a list, found "mine.toml"'),
    "section for a list": ("rules: {a: b}", "1:8: rules: expected a list, found settings (name: value)"),
    "nothing in a list": ("rules: [~]", "1:9: rules[0]: expected text, found nothing"),
    "number for text": ("cluster: 42", f'1:10: cluster: expected text, found "42"; {QUOTES}'),
    "truth value for text": ("cluster: no", f'1:10: cluster: expected text, found "no"; {QUOTES}'),
    "date for text": ("cluster: 2026-01-01", f'1:10: cluster: expected text, found "2026-01-01"; {QUOTES}'),
    "not one of the choices": (
        "fail_on: warn",
        '1:10: fail_on: expected one of warning, critical, never, found "warn"',
    ),
    "text for a number": ("engine: {max_keys: many}", f'1:20: engine.max_keys: {NUMBER}, found "many"'),
    "number in quotes": ("engine: {max_keys: '5'}", f'1:20: engine.max_keys: {NUMBER}, found the text "5"'),
    "zero": ("engine: {max_keys: 0}", f'1:20: engine.max_keys: {NUMBER}, found "0"'),
    "negative number": ("engine: {max_keys: -5}", f'1:20: engine.max_keys: {NUMBER}, found "-5"'),
    "fraction": ("engine: {max_keys: 1.5}", f'1:20: engine.max_keys: {NUMBER}, found "1.5"'),
    "octal": ("engine: {max_keys: 010}", f'1:20: engine.max_keys: {NUMBER}, found "010"'),
    "base 60": ("engine: {max_keys: 1:30}", f'1:20: engine.max_keys: {NUMBER}, found "1:30"'),
    "number with thousands of digits": (
        "engine: {max_keys: " + "9" * 5000 + "}",
        f'1:20: engine.max_keys: {NUMBER}, found "{"9" * 59}…"',
    ),
    "truth value for a number": ("engine: {max_keys: yes}", f'1:20: engine.max_keys: {NUMBER}, found "yes"'),
    "list for a number": ("engine: {max_keys: [1]}", f"1:20: engine.max_keys: {NUMBER}, found a list"),
    "nothing for a number": ("engine: {max_keys: }", f"1:19: engine.max_keys: {NUMBER}, found nothing"),
    "not a duration": (
        "engine:\n  runaway:\n    failing_seconds: 5 parsecs\n",
        f'3:22: engine.runaway.failing_seconds: invalid duration "5 parsecs": {UNITS}',
    ),
    "not a number": (
        "engine: {group_wait_seconds: .nan}",
        f'1:30: engine.group_wait_seconds: invalid duration ".nan": {UNITS}',
    ),
    "negative duration": (
        "engine: {group_wait_seconds: -5m}",
        f'1:30: engine.group_wait_seconds: invalid duration "-5m": it is negative; {WRITE_IT}',
    ),
    "list for a duration": (
        "engine: {group_wait_seconds: [1]}",
        "1:30: engine.group_wait_seconds: expected a duration, found a list",
    ),
    "nothing for a duration": (
        "engine: {group_wait_seconds: ~}",
        "1:30: engine.group_wait_seconds: expected a duration, found nothing",
    ),
    "two documents": ("cluster: a\n---\ncluster: b\n", "2:1: not valid YAML: but found another document"),
    "not closed": ("rules: [", "1:9: not valid YAML: expected the node content, but found '<stream end>'"),
    "tabulator": ("engine:\n\tmax_keys: 1\n", "2:1: not valid YAML: found character '\\t' that cannot start any token"),
}


@pytest.mark.parametrize(("text", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refuses(tmp_path: Path, text: str, complaint: str) -> None:
    """A complaint says the file, line, column, the setting's path and what to do, on one line."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert f"{tmp_path}/whystuck.yaml:{complaint}" == str(caught.value)


def test_tells_everything_that_is_wrong_at_once(tmp_path: Path) -> None:
    """One line for each fault, in the file and outside of it."""
    text = "engin: {}\nengine:\n  max_keys: 0\n  overrides: [{rule: {retries: x}}, {name: y}]\ncluster: 1\n"
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text, {"WHYSTUCK_CLUSTR": "x"}, fail_on="maybe")
    places = [line.removeprefix(f"{tmp_path}/whystuck.yaml:").split(": ")[:2] for line in str(caught.value).split("\n")]
    assert [
        ["1:1", "engin"],
        ["3:13", "engine.max_keys"],
        ["4:32", "engine.overrides[0].rule.retries"],
        ["4:37", "engine.overrides[1].rule"],
        ["5:10", "cluster"],
        ["WHYSTUCK_CLUSTR", "unknown environment variable; did you mean WHYSTUCK_CLUSTER?"],
        ["command line", "fail_on"],
    ] == places


def test_tells_the_first_of_very_many_faults(tmp_path: Path) -> None:
    """A file that is something else is no page of complaints."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, "".join(f"word{number}: 1\n" for number in range(5_000)))
    lines = str(caught.value).split("\n")
    assert (21, "… and 4980 more") == (len(lines), lines[-1])


NOT_YAML = {
    "NUL": (b"cluster: \x00", "not valid YAML: special characters are not allowed"),
    "not UTF-8": (b"cluster: \xff\xfe\xfa", "not valid YAML: invalid start byte"),
    "nested too deeply": (b"[" * 50_000, "not valid YAML: nested too deeply"),
    "a log given by mistake": (b"a: b\n" * 300_000, "larger than 1048576 bytes: not a configuration"),
}


@pytest.mark.parametrize(("text", "complaint"), NOT_YAML.values(), ids=NOT_YAML)
def test_refuses_what_is_no_configuration(tmp_path: Path, text: bytes, complaint: str) -> None:
    """What cannot be YAML is a complaint too, never a traceback."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert f"{tmp_path}/whystuck.yaml: {complaint}" == str(caught.value)


def test_refuses_an_anchor_that_contains_itself(tmp_path: Path) -> None:
    """A cycle ends at the first setting that does not belong there."""
    with pytest.raises(ConfigurationError, match=r"engine\.runaway\.runaway: unknown setting"):
        load(tmp_path, "engine: &a {runaway: *a}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("missing.yaml", "No such file or directory", id="missing"),
        pytest.param("", "Is a directory", id="directory"),
    ],
)
def test_says_why_the_file_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    """A file that was named has to be there."""
    path = tmp_path / name
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path, {})
    assert f"{path}: cannot read the configuration: {reason}" == str(caught.value)


def test_flag_before_environment_before_file(tmp_path: Path) -> None:
    """What stands nearer to the call wins, setting by setting."""
    text = "cluster: file\nfail_on: critical\nengine: {max_keys: 1, max_evidence: 1, max_history: 1}\n"
    environment = {"WHYSTUCK_CLUSTER": "environment", "WHYSTUCK_ENGINE_MAX_EVIDENCE": "2", "WHYSTUCK_FAIL_ON": "never"}

    configuration = load(tmp_path, text, environment, cluster="flag", engine__max_history="3")

    assert "flag" == configuration.cluster
    assert FailOn.NEVER is configuration.fail_on
    assert EngineSettings(max_keys=1, max_evidence=2, max_history=3) == configuration.engine


def test_override_takes_from_the_flag_what_it_leaves_out(tmp_path: Path) -> None:
    """A threshold on the command line counts for every key that has none of its own."""
    text = "engine: {overrides: [{name: a, rule: {min_failures: 9}}, {name: b, rule: {retries: 50}}]}"

    configuration = load(tmp_path, text, engine__runaway__retries="7")

    assert [7, 50] == [override.rule.retries for override in configuration.engine.overrides]


def test_rules_are_relative_to_the_file(tmp_path: Path) -> None:
    """A rule file stands where the configuration says it from; an absolute path stays."""
    assert (f"{tmp_path}/mine.toml", "/etc/ours.toml") == load(tmp_path, "rules: [mine.toml, /etc/ours.toml]").rules


def test_traces_who_decided_each_setting(tmp_path: Path) -> None:
    """The nearest to the call; everything else is a default."""
    path = tmp_path / "whystuck.yaml"
    path.write_text("cluster: file\nfail_on: critical\nengine: {max_keys: 1, max_evidence: 1}\n", encoding="utf-8")
    traced = trace_configuration(path, {"WHYSTUCK_ENGINE_MAX_EVIDENCE": "2"}, {"cluster": "flag", "fail_on": None})
    decided = {setting: source for setting, source in traced.sources.items() if source is not SettingSource.DEFAULT}
    assert {
        "engine.max_keys": SettingSource.FILE,
        "engine.max_evidence": SettingSource.ENVIRONMENT,
        "fail_on": SettingSource.FILE,
        "cluster": SettingSource.FLAG,
    } == decided
    assert settings().keys() == traced.sources.keys()


ENVIRONMENT = {
    "text": ({"WHYSTUCK_CLUSTER": "no"}, Configuration(cluster="no")),
    "empty is not set": ({"WHYSTUCK_CLUSTER": ""}, Configuration()),
    "list": ({"WHYSTUCK_RULES": "a.toml:/b.toml"}, Configuration(rules=("a.toml", "/b.toml"))),
    "duration": (
        {"WHYSTUCK_ENGINE_RUNAWAY_FAILING_SECONDS": "5m"},
        Configuration(engine=EngineSettings(runaway=RunawayRule(failing_seconds=300))),
    ),
    "overrides as YAML": (
        {"WHYSTUCK_ENGINE_OVERRIDES": "[{namespace: dev, rule: {retries: 99}}]"},
        Configuration(
            engine=EngineSettings(overrides=(RuleOverride(namespace="dev", rule=RunawayRule(retries=99)),)),
        ),
    ),
    "a variable of the command": ({"WHYSTUCK_CONFIG": "whystuck.yaml"}, Configuration()),
    "other programs": ({"HOME": "/", "WHYSTUCKX": "1"}, Configuration()),
    "links of Kubernetes to a Service called whystuck": (
        {
            "WHYSTUCK_SERVICE_HOST": "10.0.0.1",
            "WHYSTUCK_SERVICE_PORT": "80",
            "WHYSTUCK_SERVICE_PORT_HTTP_METRICS": "80",
            "WHYSTUCK_PORT": "tcp://10.0.0.1:80",
            "WHYSTUCK_PORT_80_TCP": "tcp://10.0.0.1:80",
            "WHYSTUCK_PORT_80_TCP_ADDR": "10.0.0.1",
            "WHYSTUCK_KAFKA_PORT_9092_TCP_PROTO": "tcp",
        },
        Configuration(),
    ),
}


@pytest.mark.parametrize(("environment", "expected"), ENVIRONMENT.values(), ids=ENVIRONMENT)
def test_reads_the_environment(environment: dict[str, str], expected: Configuration) -> None:
    """Every setting has a variable."""
    assert expected == load_configuration(None, environment)


LISTS = {
    "paths": ("rules", "a.toml:/b c.toml", ["a.toml", "/b c.toml"]),
    "files": ("kafka.ca_files", "a.pem:", ["a.pem"]),
    "addresses": ("kafka.bootstrap_servers", "kafka-0:9092, kafka-1:9092,", ["kafka-0:9092", "kafka-1:9092"]),
    "one": ("kafka.topics", "logs", ["logs"]),
}


@pytest.mark.parametrize(("setting", "text", "items"), LISTS.values(), ids=LISTS)
def test_lists_in_variables(setting: str, text: str, items: list[str]) -> None:
    """Paths are separated like PATH; of addresses that would cut off the ports."""
    assert items == split_list(setting, text)


WRONG_ENVIRONMENT = {
    "unknown": (
        {"WHYSTUCK_CLUSTR": "x"},
        "WHYSTUCK_CLUSTR: unknown environment variable; did you mean WHYSTUCK_CLUSTER?",
    ),
    "not a number": (
        {"WHYSTUCK_ENGINE_MAX_KEYS": "5 parsecs"},
        f'WHYSTUCK_ENGINE_MAX_KEYS: engine.max_keys: {NUMBER}, found "5 parsecs"',
    ),
    "inside YAML": (
        {"WHYSTUCK_ENGINE_OVERRIDES": "[{rule: {retries: 0}}]"},
        f'WHYSTUCK_ENGINE_OVERRIDES:1:19: engine.overrides[0].rule.retries: {NUMBER}, found "0"',
    ),
    "bytes that are no text": (
        {"WHYSTUCK_FAIL_ON": "\udcff"},
        'WHYSTUCK_FAIL_ON: fail_on: expected one of warning, critical, never, found "\\udcff"',
    ),
}


@pytest.mark.parametrize(("environment", "complaint"), WRONG_ENVIRONMENT.values(), ids=WRONG_ENVIRONMENT)
def test_refuses_a_wrong_environment(environment: dict[str, str], complaint: str) -> None:
    """A complaint about a variable names it and the setting."""
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(None, environment)
    assert complaint == str(caught.value)


def test_names_the_command_line() -> None:
    """A complaint about a flag's value names the setting that it was meant for."""
    with pytest.raises(ConfigurationError, match=r"^command line: engine\.runaway\.retries: expected a whole number"):
        load_configuration(None, {}, {"engine.runaway.retries": "lots", "cluster": None})


def test_every_setting_has_a_variable_of_its_own() -> None:
    """No two settings share a variable, and none is taken for a link of Kubernetes."""
    known = {environment_name(setting) for setting in settings()}
    assert len(settings()) == len(known)
    assert [] == [variable for variable in known if _is_foreign(variable)]
