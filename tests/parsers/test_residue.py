"""Which error records of a log are residue: those of a controller that no rule, and no attempt, has told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from parsers.events import ErrorNotUnderstood
from parsers.failures import FailureFinder
from parsers.records import Block, Origin
from parsers.rules.loader import load_rules
from pipeline.extract import StreamExtractor, scanner_for

RULES = load_rules()
SCANNERS = {
    "hyperscan or find": scanner_for(RULES, with_residue=True),
    "find": scanner_for(RULES, use_hyperscan=False, with_residue=True),
}
READ_AT = datetime(2026, 11, 24, tzinfo=UTC)

BANNER = 'time="2026-11-23T15:00:00Z" level=info msg="Argo Rollouts starting" version=v1.7.1'
KEY = "namespace=shop rollout=api"
ODD = 'time="2026-11-23T15:00:01Z" level=error msg="the gadget turned purple"'
ODD_OF_KEY = f"{ODD} {KEY}"
FAILED_ODDLY = (
    f'time="2026-11-23T15:00:01Z" level=error msg="rollout syncHandler error: the gadget turned purple" {KEY}'
)
FAILED_CLEARLY = (
    'time="2026-11-23T15:00:01Z" level=error msg="rollout syncHandler error: Internal error occurred: '
    f'x509: certificate has expired or is not yet valid" {KEY}'
)


def _residue(lines: Sequence[str], *, with_residue: bool = True, scanner: str = "hyperscan or find") -> list[str]:
    extractor = StreamExtractor(SCANNERS[scanner], FailureFinder(RULES), read_at=READ_AT, with_residue=with_residue)
    block = Block("\n".join(lines).encode() + b"\n", Origin(source="controller.log"))
    return [event.text for event in extractor.events([block]) if isinstance(event, ErrorNotUnderstood)]


FORMATS = {
    "logfmt": ODD,
    "JSON": json.dumps({"level": "error", "msg": "the gadget turned purple", "time": "2026-11-23T15:00:01Z"}),
    "JSON without blanks": '{"level":"error","msg":"the gadget turned purple","time":"2026-11-23T15:00:01Z"}',
    "klog": "E1123 15:00:01.000000       1 gadget.go:12] the gadget turned purple",
    "CRI": f"2026-11-23T15:00:01.5Z stderr F {ODD}",
    "docker": json.dumps({"log": f"{ODD}\n", "stream": "stderr", "time": "2026-11-23T15:00:01.5Z"}),
    "terminal": "ERRO[0001] the gadget turned purple",
}


@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("line", FORMATS.values(), ids=FORMATS)
def test_unknown_errors_are_found_in_every_format(line: str, scanner: str) -> None:
    """The prefilter lets records of level error pass, whatever they are wrapped in."""
    banner = BANNER if line is not FORMATS["CRI"] else f"2026-11-23T15:00:00.5Z stderr F {BANNER}"
    banner = json.dumps({"log": f"{BANNER}\n"}) if line is FORMATS["docker"] else banner
    assert ["the gadget turned purple"] == _residue([banner, line], scanner=scanner)


EXPIRED = "x509: certificate has expired or is not yet valid"
HARMLESS = "Metric Server Error: http: Server closed"
LEFT_OUT = {
    "known to a rule": [BANNER, ODD.replace("the gadget turned purple", EXPIRED)],
    "known to be harmless": [BANNER, ODD.replace("the gadget turned purple", HARMLESS)],
    "no error": [BANNER, ODD.replace("level=error", "level=info")],
    "symptom of an attempt that is understood": [BANNER, ODD_OF_KEY, FAILED_CLEARLY],
    "cause of an attempt": [BANNER, ODD_OF_KEY.replace("the gadget", "roCtx.reconcile err the gadget"), FAILED_ODDLY],
    "echo of an attempt": [BANNER, FAILED_ODDLY, f'{ODD} error="<nil>"'],
    "of no controller": [ODD],
}  # fmt: skip


@pytest.mark.parametrize("lines", LEFT_OUT.values(), ids=LEFT_OUT)
def test_everything_else_is_left_out(lines: list[str]) -> None:
    """What is known, harmless, told by an attempt or of another component is no residue."""
    assert [] == _residue(lines)


def test_error_of_another_pass_stays() -> None:
    """Only the key whose attempt is understood has its other lines explained."""
    assert ["the gadget turned purple"] == _residue([BANNER, ODD_OF_KEY.replace("=api", "=web"), FAILED_CLEARLY])


def test_residue_is_an_event_only_where_it_is_asked_for() -> None:
    """The daemon's path does not change."""
    assert [] == _residue([BANNER, ODD], with_residue=False)


def test_secrets_are_taken_out() -> None:
    """As out of every text that is kept."""
    (text,) = _residue([BANNER, ODD.replace("purple", "purple: Authorization: Bearer abcdefghijkl123")])
    assert "abcdefghijkl123" not in text
