"""Security settings on their way to the client library."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.secret import Secret
from pipeline.sources.kafka.settings import KafkaSecurity, Mechanism, Protocol

SASL = Protocol.SASL_PLAINTEXT


def test_password_does_not_show_in_what_the_library_may_log() -> None:
    """It logs its whole configuration at level debug."""
    from pipeline.sources.kafka.login import login_arguments

    arguments = login_arguments(KafkaSecurity(protocol=SASL, username="u", password=Secret("hunter2")))

    assert "hunter2" not in f"{arguments}"
    assert "hunter2" == str(arguments["sasl_plain_password"])


def test_token_is_read_at_each_connection(tmp_path: Path) -> None:
    """Tokens live for minutes; whoever renews one writes it to the file."""
    from pipeline.sources.kafka.login import login_arguments

    file = tmp_path / "token"
    file.write_text("first\n")
    security = KafkaSecurity(protocol=SASL, mechanism=Mechanism.OAUTHBEARER, token_file=str(file))
    provider = login_arguments(security)["sasl_oauth_token_provider"]
    file.write_text("second\n")

    assert "second" == provider.token()


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (KafkaSecurity(protocol=SASL), "SCRAM-SHA-512 needs username, and password_file"),
        (KafkaSecurity(protocol=SASL, username="u"), "needs username, and password_file"),
        (KafkaSecurity(protocol=SASL, mechanism=Mechanism.OAUTHBEARER), "security.token_file: missing"),
    ],
    ids=["nothing", "no password", "no token"],
)
def test_incomplete(security: KafkaSecurity, expected: str) -> None:
    """What is missing is named before anything is connected."""
    with pytest.raises(ConfigurationError, match=expected):
        security.check()


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (KafkaSecurity(protocol=Protocol.SSL, ca_file="no-such"), "ca_file: no-such cannot be used: No such file"),
        (KafkaSecurity(protocol=Protocol.SSL, certificate_file="no-such"), "no-such cannot be used: No such file"),
        (
            KafkaSecurity(protocol=SASL, username="u", password_file="no-such"),
            "password_file: no-such cannot be read: No such file",
        ),
    ],
    ids=["authority", "certificate", "password"],
)
def test_file_that_cannot_be_used(security: KafkaSecurity, expected: str) -> None:
    """It is named, with the reason."""
    from pipeline.sources.kafka.login import login_arguments

    with pytest.raises(ConfigurationError, match=expected):
        login_arguments(security)


def test_file_without_certificates(tmp_path: Path) -> None:
    """OpenSSL's own words help nobody, so what was expected is said."""
    from pipeline.sources.kafka.login import login_arguments

    (tmp_path / "ca").write_text("hello")
    with pytest.raises(ConfigurationError, match="expected certificates in PEM form"):
        login_arguments(KafkaSecurity(protocol=Protocol.SSL, ca_file=str(tmp_path / "ca")))
