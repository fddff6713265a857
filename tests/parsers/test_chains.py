"""Chains are judged as Go judges them: see go_oracle for how the table was made."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path

import pytest

from parsers.chains import ChainOutcome, verify_chain
from parsers.facts.certificates import CertificateInfo
from parsers.x509 import read_certificates

DATA = Path(__file__).parent / "data"
CHAINS = {chain["name"]: chain for chain in json.loads((DATA / "chains.json").read_text())}
VERDICTS = json.loads((DATA / "verdicts.json").read_text())


def certificate_of(encoded: str) -> CertificateInfo:
    (found,) = read_certificates(base64.b64decode(encoded)).certificates
    return found


@pytest.mark.parametrize("name", list(CHAINS))
def test_verdict_is_that_of_go(name: str) -> None:
    """Outcome, the authority that was refused, and the hint in the message of an unknown authority."""
    chain, expected = CHAINS[name], VERDICTS[name]
    found = verify_chain(
        certificate_of(chain["leaf"]),
        [certificate_of(one) for one in chain["intermediates"]],
        [certificate_of(one) for one in chain["roots"]],
        chain["dns_name"],
        datetime.fromisoformat(chain["at"]),
    )

    assert expected["outcome"] == found.outcome.value, expected
    assert expected.get("hint") == (found.hint.value if found.hint else None), expected
    if "unhandled critical extension" not in expected.get("text", ""):  # Go does not say whose
        assert expected.get("candidate") == (found.candidate.common_name if found.candidate else None), expected
    assert (found.outcome is ChainOutcome.OK) == bool(found.chain)


def test_every_chain_has_a_verdict() -> None:
    """The two files belong together."""
    assert set(CHAINS) == set(VERDICTS)


def test_every_outcome_that_go_knows_is_in_the_table() -> None:
    """No part of the comparison is empty."""
    seen = {verdict[part] for verdict in VERDICTS.values() for part in ("outcome", "hint") if part in verdict}

    assert {outcome.value for outcome in ChainOutcome} - {"unknown_authority"} <= seen
