"""`whystuck replay`: what it prints, where, and how it ends."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.pipeline.cli.conftest import Run
from tests.property.raw_logs import CAUSE, error, passes, story, text_line


def _names(record: dict) -> list[str]:  # type: ignore[type-arg]
    return [victim["name"] for victim in record["victims"]]


CODES = {
    "findings": (["stuck.log"], 3),
    "clean": (["calm.log"], 0),
    "worse is asked for": (["stuck.log", "--fail-on", "critical"], 0),
    "never": (["stuck.log", "--fail-on", "never"], 0),
    "missing": (["missing.log"], 1),
    "missing beside findings": (["missing.log", "stuck.log"], 1),
    "no path": ([], 2),
    "unknown option": (["stuck.log", "--frobnicate"], 2),
    "unknown severity": (["stuck.log", "--fail-on", "sometimes"], 2),
    "unknown format": (["stuck.log", "-o", "xml"], 2),
    "bad time": (["stuck.log", "--since", "yesterday"], 2),
    "year out of range": (["stuck.log", "--year", "12"], 2),
    "bad threshold": (["stuck.log", "--threshold", "0"], 2),
}


@pytest.mark.usefixtures("stuck", "calm")
@pytest.mark.parametrize(("arguments", "code"), CODES.values(), ids=CODES)
def test_exit_code(
    whystuck: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    """0 clean, 1 not everything was read, 2 wrong usage, 3 findings."""
    monkeypatch.chdir(tmp_path)
    assert code == whystuck("replay", *arguments).code


COMPLAINTS = {
    "unknown option": (["stuck.log", "--frobnicate"], "No such option: --frobnicate"),
    "bad time": (["stuck.log", "--since", "yesterday"], "whystuck: --since 'yesterday': not a time that is understood"),
    "missing file": (["missing.log"], "missing.log"),
    "unknown key": (
        ["stuck.log", "--config", "bad.yaml"],
        "bad.yaml:2:3: engine.runawy: unknown setting; did you mean runaway?",
    ),
    "bad duration": (["stuck.log", "--config", "parsecs.yaml"], 'invalid duration "5 parsecs"'),
    "no configuration": (["stuck.log", "--config", "none.yaml"], "none.yaml: cannot read the configuration"),
    "broken rule": (["stuck.log", "--rules", "bad.toml"], "bad.toml:2:1: unknown key 'colour'"),
    "no rules": (["stuck.log", "--rules", "none.toml"], "none.toml: cannot read the rules: No such file or directory"),
}


@pytest.mark.usefixtures("stuck")
@pytest.mark.parametrize(("arguments", "complaint"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_complaint_is_on_standard_error_and_says_what_to_do(
    whystuck: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    """With the place in the file, without a trace of the program."""
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("engine:\n  runawy: {}\n", encoding="utf-8")
    Path("parsecs.yaml").write_text("engine: {runaway: {failing_seconds: 5 parsecs}}\n", encoding="utf-8")
    Path("bad.toml").write_text("[[rule]]\ncolour = 'red'\n", encoding="utf-8")
    done = whystuck("replay", "-o", "jsonl", *arguments)
    assert complaint in done.err
    assert "Traceback" not in done.err
    assert "" == done.out


def test_other_files_are_read_where_one_cannot_be(whystuck: Run, stuck: Path, tmp_path: Path) -> None:
    """What they tell is printed all the same, and says what was not read."""
    (record,) = whystuck("replay", "-o", "jsonl", tmp_path / "missing.log", stuck).records
    assert ["api", "web"] == _names(record)
    assert "missing.log" in record["coverage"]["not_read"][0]


def test_formats_say_the_same(whystuck: Run, stuck: Path) -> None:
    """JSON, JSON lines and YAML are one list of records."""
    lines = whystuck("replay", "-o", "jsonl", stuck)
    assert lines.records == json.loads(whystuck("replay", "-o", "json", stuck).out)
    assert lines.records == yaml.safe_load(whystuck("replay", "-o", "yaml", stuck).out)


def test_table_tells_the_cause_and_what_to_do(whystuck: Run, stuck: Path) -> None:
    """For a person: who, why, since when, the line that shows it, the steps."""
    out = whystuck("replay", stuck).out
    for part in (
        "2 rollouts are stuck",
        "tls.expired",
        "emissary-apiext.emissary-system",
        "shop/web",
        "What to do",
        f"{stuck}:",
    ):
        assert part in out


def test_calm_log_says_so(whystuck: Run, calm: Path) -> None:
    """In words, and as an empty list."""
    assert "No incident" in whystuck("replay", calm).out
    assert ("", "[]") == (
        whystuck("replay", "-o", "jsonl", calm).out,
        whystuck("replay", "-o", "json", calm).out.strip(),
    )


def test_results_and_diagnostics_go_apart(whystuck: Run, stuck: Path) -> None:
    """Standard output is for programs: it holds records and nothing else."""
    done = whystuck("replay", "-o", "jsonl", stuck)
    assert 1 == len(done.records)
    assert "read 1" in done.err.replace(",", "")


def test_lines_are_sorted_by_opening_then_id(whystuck: Run, tmp_path: Path) -> None:
    """Whatever the order of the files."""
    for number, cause in enumerate(["one thing", "another thing", "a third thing"]):
        lines = [
            line.replace(CAUSE.encode(), cause.encode()) for line in story(range(number, 300, 10), f"app-{number}")
        ]
        (tmp_path / f"{number}.log").write_bytes(b"\n".join(lines))
    records = whystuck("replay", "-o", "jsonl", *(tmp_path / f"{n}.log" for n in (2, 0, 1))).records
    places = [(record["opened_at"], record["id"]) for record in records]
    assert sorted(places) == places
    assert 3 == len(places)


def test_order_of_files_does_not_change_the_answer(whystuck: Run, stuck: Path, calm: Path, tmp_path: Path) -> None:
    """Nor how often one is named."""
    other = tmp_path / "other.log"
    other.write_bytes(b"\n".join(story(range(30, 200, 10), "third")))
    answers = [
        whystuck("replay", "-o", "jsonl", *order).records for order in itertools.permutations([stuck, calm, other])
    ]
    bare = [[{**record, "coverage": None} for record in answer] for answer in answers]
    assert bare[0]
    assert all(bare[0] == answer for answer in bare)


def test_every_incident_fits_the_published_schema(whystuck: Run, stuck: Path) -> None:
    """The schema is the command's own."""
    schema = json.loads(whystuck("schema").out)
    for record in whystuck("replay", "-o", "jsonl", stuck).records:
        Draft202012Validator(schema).validate(record)


FILTERS: dict[str, tuple[list[str], list[str]]] = {
    "everything": ([], ["api", "web"]),
    "key": (["--key", "shop/web"], ["web"]),
    "key with its kind": (["--key", "rollout shop/api"], ["api"]),
    "two keys": (["--key", "shop/api", "--key", "shop/web"], ["api", "web"]),
    "namespace": (["--namespace", "sh*"], ["api", "web"]),
    "another namespace": (["--namespace", "bank"], []),
    "until one minute": (["--until", "2026-03-01T12:01:00Z"], []),
    "until two minutes": (["--until", "2026-03-01T12:02:00Z"], ["web"]),
    "until, in another zone": (["--until", "2026-03-01T14:02:00+02:00"], ["web"]),
    "since the end": (["--since", "2026-03-01T13:00:00Z"], []),
    "threshold out of reach, time as it is": (["--threshold", "1000"], ["api", "web"]),
}


@pytest.mark.parametrize(("arguments", "names"), FILTERS.values(), ids=FILTERS)
def test_filter(whystuck: Run, stuck: Path, arguments: list[str], names: list[str]) -> None:
    """Only what is asked for."""
    records = whystuck("replay", "-o", "jsonl", stuck, *arguments).records
    assert names == [name for record in records for name in _names(record)]


def test_threshold_is_the_retry_count(whystuck: Run, tmp_path: Path) -> None:
    """Two failures in forty seconds are no incident, unless their count is high enough."""
    path = tmp_path / "short.log"
    path.write_bytes(b"\n".join([passes(0, "web"), passes(2, "web"), *story([10, 45], "web")]))
    assert [] == whystuck("replay", "-o", "jsonl", path).records
    assert 1 == len(whystuck("replay", "-o", "jsonl", path, "--threshold", "1").records)


def test_year_is_given_to_times_without_one(whystuck: Run, tmp_path: Path) -> None:
    """Klog writes none."""
    path = tmp_path / "klog.log"
    cause = CAUSE.replace('\\"', '"')
    begin = f"       1 controller.go:174] error syncing 'shop/web': {cause}"
    lines = [f"E0301 12:{number // 6:02d}:{number % 6}0.000001{begin}" for number in range(20)]
    path.write_text("\n".join(lines), encoding="utf-8")
    (record,) = whystuck("replay", "-o", "jsonl", path, "--year", "2019").records
    assert record["opened_at"].startswith("2019-03-01T12:01:")


def test_cluster_is_named(whystuck: Run, stuck: Path, tmp_path: Path) -> None:
    """By the option, or by the configuration."""
    config = tmp_path / "config.yaml"
    config.write_text("cluster: eu-1\n", encoding="utf-8")
    assert [None] == [record["cluster"] for record in whystuck("replay", "-o", "jsonl", stuck).records]
    assert "eu-1" == whystuck("replay", "-o", "jsonl", stuck, "--config", config).records[0]["cluster"]
    assert (
        "us-1"
        == whystuck("replay", "-o", "jsonl", stuck, "--config", config, "--cluster", "us-1").records[0]["cluster"]
    )


def test_own_rule_names_the_cause(whystuck: Run, tmp_path: Path) -> None:
    """What no built-in rule knows."""
    log, rules = tmp_path / "gate.log", tmp_path / "gate.toml"
    log.write_bytes(
        b"\n".join(line.replace(CAUSE.encode(), b"the gate is shut by ops") for line in story(range(0, 200, 10)))
    )
    rules.write_text(
        "[[rule]]\nid = 'our.gate'\nclass = 'custom.gate'\nliterals = ['the gate is shut']\n"
        "pattern = '''the\\ gate\\ is\\ shut'''\n"
        "explanation = 'Somebody shut the gate.'\nsamples_match = ['the gate is shut by ops']\n",
        encoding="utf-8",
    )
    assert "unknown" == whystuck("replay", "-o", "jsonl", log).records[0]["cause"]["class"]
    assert "custom.gate" == whystuck("replay", "-o", "jsonl", log, "--rules", rules).records[0]["cause"]["class"]


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "yaml"])
def test_terminal_escapes_of_a_log_are_never_printed(whystuck: Run, tmp_path: Path, output: str) -> None:
    """Nor other control characters, wherever they stood."""
    path = tmp_path / "evil.log"
    evil = b"\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b5n\x00\x08"
    lines = [line.replace(b"web", b"web" + evil).replace(b"x509", evil + b"x509") for line in story(range(0, 200, 10))]
    path.write_bytes(b"\n".join([*lines, text_line(200, "x"), *(error(201, "a"), evil)]))
    done = whystuck("replay", "-o", output, path)
    assert [] == [character for character in done.out + done.err if character != "\n" and not character.isprintable()]
    assert "x509" in done.out


def test_environment_sets_what_the_file_and_the_flags_leave_open(
    whystuck: Run, stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable for each setting; one that is none is refused."""
    monkeypatch.setenv("WHYSTUCK_FAIL_ON", "never")
    assert 0 == whystuck("replay", stuck).code
    assert 3 == whystuck("replay", stuck, "--fail-on", "warning").code
    monkeypatch.setenv("WHYSTUCK_FROBNICATE", "1")
    done = whystuck("replay", stuck)
    assert (2, True) == (done.code, "WHYSTUCK_FROBNICATE" in done.err)
