"""The command tells what was not understood, drafts rules for it, prints and writes statistics; no secret leaves it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.report.schemas import statistics_schema

SEED = str(Path(__file__).parents[3] / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _logfmt(second: int, level: str, message: str, fields: str = "") -> str:
    quoted = json.dumps(message, ensure_ascii=False)
    return f'time="2026-11-23T15:{second // 60:02d}:{second % 60:02d}Z" level={level} msg={quoted} {fields}'


def _failing_log(cause: str, *others: str) -> str:
    """A key that fails for half an hour, and other error records at its end."""
    lines = [_logfmt(0, "info", "Argo Rollouts starting", "version=v1.7.1")]
    for number in range(60):
        second = number * 30
        lines += [
            _logfmt(second, "error", f"rollout syncHandler error: {cause}", "namespace=shop rollout=api"),
            _logfmt(second, "info", f'rollout syncHandler queue retries: {number + 5} : key "shop/api"'),
        ]
    lines += [_logfmt(1780, "error", other) for other in others]
    return "\n".join(lines) + "\n"


@pytest.fixture
def odd_log(tmp_path: Path) -> str:
    """A log of errors that no rule knows."""
    path = tmp_path / "controller.log"
    path.write_text(_failing_log("the gate of pool 7 has turned purple", "a gadget fell off the northern wall"))
    return str(path)


def test_table_tells_what_was_not_understood(odd_log: str) -> None:
    """Count, trend, keys, and a line to look at."""
    output = _run("replay", odd_log).stdout
    assert "not understood: 2 templates (1 new) of 61 error records that no rule knows" in output
    assert "new: a gadget fell off the northern wall" in output
    assert "steady: the gate of pool # has turned purple" in output
    assert "rollout shop/api" in output
    assert f"{odd_log}:2: the gate of pool 7 has turned purple" in output


def test_programs_are_told_on_standard_error(odd_log: str) -> None:
    """Standard output holds the incidents only."""
    done = _run("replay", "-o", "json", odd_log)
    assert "not understood: 2 templates" in done.stderr
    assert 1 == len(json.loads(done.stdout))


def test_nothing_is_said_where_all_was_understood() -> None:
    """The seed's log has no such record."""
    assert "that no rule knows" not in _run("replay", SEED).output


def test_statistics_take_the_place_of_the_incidents(odd_log: str) -> None:
    """Keys, classes, times; the exit code still tells of the incidents."""
    done = _run("replay", "--stats", SEED, odd_log)
    assert 3 == done.exit_code
    for text in (
        "Failures by class",
        "tls.expired",
        "Keys that failed",
        "Time to cause",
        "not understood: 2 templates",
    ):
        assert text in done.stdout
    assert "What to do" not in done.stdout


def test_statistics_as_json_fit_their_schema(odd_log: str) -> None:
    """One object, in JSON and YAML alike."""
    as_json = json.loads(_run("replay", "--stats", "-o", "json", SEED, odd_log).stdout)
    as_yaml = yaml.safe_load(_run("replay", "--stats", "-o", "yaml", SEED, odd_log).stdout)
    assert as_json == as_yaml
    jsonschema.validate(as_json, statistics_schema())


def test_statistics_as_lines_fit_the_rows_of_the_schema(odd_log: str) -> None:
    """Each line says which frame it is a row of."""
    schema = statistics_schema()
    rows = [json.loads(line) for line in _run("replay", "--stats", "-o", "jsonl", SEED, odd_log).stdout.splitlines()]
    by_frame = {
        one["properties"]["frame"]["enum"][0]: name
        for name, one in schema["$defs"].items()
        if "frame" in one.get("properties", {})
    }
    assert set(by_frame) == {row["frame"] for row in rows}
    for row in rows:
        jsonschema.validate(row, {"$ref": f"#/$defs/{by_frame[row['frame']]}", "$defs": schema["$defs"]})


def test_schema_is_published() -> None:
    """`whystuck schema statistics` prints it."""
    assert statistics_schema() == json.loads(_run("schema", "statistics").stdout)


def test_statistics_are_written_to_files(tmp_path: Path) -> None:
    """CSV always; what is missing for Parquet is said; the incidents are printed as without it."""
    done = _run("replay", "--stats-dir", str(tmp_path / "out"), SEED)
    names = {"keys.csv", "retries.csv", "failures.csv", "causes.csv", "blast_radius.csv", "templates.csv"}
    assert names <= {path.name for path in (tmp_path / "out").iterdir()}
    assert "What to do" in done.stdout
    assert "pyarrow" in done.stderr or (tmp_path / "out" / "keys.parquet").exists()


def test_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """With its name, and status 1."""
    (tmp_path / "file").write_text("")
    done = _run("replay", "--stats-dir", str(tmp_path / "file"), SEED)
    assert "cannot write the statistics" in str(done.exception)


def test_drafts_load_at_once(odd_log: str, tmp_path: Path) -> None:
    """suggest, test, replay: in this order, without an editor in between."""
    drafts = str(tmp_path / "rules.toml")
    assert 0 == _run("rules", "suggest", odd_log, "--output-file", drafts).exit_code
    tested = _run("rules", "test", drafts)
    assert "2 rules, all samples as they should be; 2 still have a TODO" in tested.stdout
    assert 0 == tested.exit_code
    assert "that no rule knows" not in _run("replay", "--rules", drafts, odd_log).output


def test_drafts_are_printed_without_a_file(odd_log: str) -> None:
    """To standard output, and nothing else there."""
    assert _run("rules", "suggest", odd_log).stdout.startswith("# Drafts for errors that no rule knows")


def test_file_that_is_there_stays(odd_log: str, tmp_path: Path) -> None:
    """It may hold somebody's work."""
    (tmp_path / "rules.toml").write_text("mine")
    done = _run("rules", "suggest", odd_log, "--output-file", str(tmp_path / "rules.toml"))
    assert "is there already" in str(done.exception)
    assert "mine" == (tmp_path / "rules.toml").read_text()


def test_nothing_to_suggest_prints_nothing() -> None:
    """And that is said."""
    done = _run("rules", "suggest", SEED)
    assert (0, "") == (done.exit_code, done.stdout)
    assert "0 templates" in done.stderr


def test_filters_hold_for_suggestions(odd_log: str) -> None:
    """Only what is asked for is drafted."""
    assert "purple" not in _run("rules", "suggest", "--since", "2026-11-23T15:29:35Z", odd_log).stdout


HIDDEN_NAMES = ["shop/api", "10.2.3.4", "jane@corp.io"]
NAMING_COMMANDS = {
    **{f"replay {form}": ["replay", "-o", form] for form in ("table", "json", "jsonl", "yaml")},
    **{f"classify {form}": ["classify", "-o", form] for form in ("table", "json", "jsonl", "yaml")},
    **{f"stats {form}": ["replay", "--stats", "-o", form] for form in ("table", "json", "jsonl", "yaml")},
    "suggest": ["rules", "suggest"],
}


@pytest.mark.parametrize("command", NAMING_COMMANDS.values(), ids=NAMING_COMMANDS)
def test_names_are_hidden_in_every_format(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By setting, in all commands alike."""
    log = tmp_path / "controller.log"
    log.write_text(_failing_log('gate "shop/api" at 10.2.3.4:80 was shut by jane@corp.io for shop/api'))
    for name in ("NAMES", "ADDRESSES", "EMAILS"):
        monkeypatch.setenv(f"WHYSTUCK_REDACT_{name}", "true")
    output = _run(*command, str(log)).output
    assert [] == [name for name in HIDDEN_NAMES if name in output]
    assert "ip-1" in output or "Failures by class" in output or "value_" in output


def test_drafts_with_hidden_names_still_fit_the_log(
    tmp_path: Path, odd_log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pseudonym stands in no pattern."""
    Path(odd_log).write_text(_failing_log('the gate "shop/door" has turned purple at noon'))
    monkeypatch.setenv("WHYSTUCK_REDACT_NAMES", "true")
    drafts = str(tmp_path / "rules.toml")
    _run("rules", "suggest", odd_log, "--output-file", drafts)
    monkeypatch.delenv("WHYSTUCK_REDACT_NAMES")
    assert "that no rule knows" not in _run("replay", "--rules", drafts, odd_log).output


JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SECRETS = {
    "bearer": ("Authorization: Bearer {}", "sk9Zr4TqWm2Lx8Vb7Nc"),
    "bare bearer": ("sent bearer {} upstream", "qv7Yp3RtKs5Jw1Hd6Gf"),
    "JWT": ("identity {} was refused", JWT),
    "password in a URL": ("cannot reach https://admin:{}@git.example.com/x", "hunter2Secret99"),
    "basic": ("Proxy-Authorization: Basic {}", "YWRtaW46aHVudGVyMlNlY3JldA=="),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7bq0"),
    "AWS key": ("denied for key {}", "AKIAIOSFODNN7EXAMPLE"),
    "query parameter": ("Get https://api.example.com/v1?token={}&x=1 failed", "tk4Mz8Xc2Vb6Nm0Lp"),
    "password": ("login with password={} failed", "pw5Gh1Jk7Df3Sa9"),
}
CAUSES = {
    "unknown": "the gate has turned purple: {}",
    "known": 'failed calling webhook "gate.example.com": {} : x509: certificate has expired or is not yet valid',
}


@pytest.fixture(scope="module", params=CAUSES)
def secret_log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A log with every kind of secret: in causes, in errors that nobody knows, in a fatal line, in broken lines."""
    texts = [form.format(secret) for form, secret in SECRETS.values()]
    cause = CAUSES[request.param].format(" ".join(texts))
    lines = [_failing_log(cause, *texts, " and ".join(texts))]
    lines += [_logfmt(1790 + number, "fatal", f"cannot go on: {text}") for number, text in enumerate(texts)]
    lines += [
        json.dumps({"level": "error", "msg": text, "error": text, "time": "2026-11-23T15:30:00Z"}) for text in texts
    ]
    lines += [f'{{"level":"error","x":"{text}"' for text in texts if "\n" not in text]
    path = tmp_path_factory.mktemp("secrets") / "controller.log"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("command", NAMING_COMMANDS.values(), ids=NAMING_COMMANDS)
def test_no_secret_is_printed(command: list[str], secret_log: str) -> None:
    """In no format of no command, on no stream."""
    output = _run(*command, secret_log).output
    assert [] == [name for name, (_, secret) in SECRETS.items() if secret in output]


def test_no_secret_is_written_to_files(secret_log: str, tmp_path: Path) -> None:
    """Neither into the statistics nor into drafts."""
    _run("replay", "--stats-dir", str(tmp_path / "out"), secret_log)
    _run("rules", "suggest", secret_log, "--output-file", str(tmp_path / "rules.toml"))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 7
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in written)
    assert [] == [name for name, (_, secret) in SECRETS.items() if secret in text]
