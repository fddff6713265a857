"""Where the daemon listens."""

from __future__ import annotations

import pytest

from pipeline.config import load_configuration
from pipeline.errors import ConfigurationError
from pipeline.http_settings import HttpSettings

ADDRESSES = {
    "127.0.0.1:9464": ("127.0.0.1", 9464, True),
    "localhost:0": ("localhost", 0, True),
    "[::1]:80": ("::1", 80, True),
    "0.0.0.0:80": ("0.0.0.0", 80, False),
    "[::]:65535": ("::", 65535, False),
    "host.example:80": ("host.example", 80, False),
}


@pytest.mark.parametrize(("written", "expected"), ADDRESSES.items(), ids=ADDRESSES)
def test_address(written: str, expected: tuple[str, int, bool]) -> None:
    """Host and port, and whether others can reach it."""
    settings = HttpSettings(listen=written)
    assert expected == (*settings.address(), settings.is_loopback())


WRONG = ["9464", "127.0.0.1", "127.0.0.1:", ":9464", "127.0.0.1:65536", "127.0.0.1:http", "127.0.0.1:-1", "::1:80", ""]


@pytest.mark.parametrize("written", WRONG)
def test_refuses_what_is_no_address(written: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match=r"^listen: .*9464"):
        HttpSettings(listen=written)


HALF = {
    "no key": ({"certificate_file": "a"}, "key_file is missing: certificate_file is of no use without it"),
    "no certificate": ({"key_file": "a"}, "certificate_file is missing: key_file is of no use without it"),
}


@pytest.mark.parametrize(("settings", "complaint"), HALF.values(), ids=HALF)
def test_certificate_and_key_belong_together(settings: dict[str, str], complaint: str) -> None:
    """The complaint names the section."""
    environment = {f"WHYSTUCK_HTTP_{name.upper()}": value for name, value in settings.items()}
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(None, environment)
    assert f"http: {complaint}" == str(caught.value)
