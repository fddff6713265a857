"""What happens where a server is missing."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where servers are required (REQUIRE_SERVERS=1)."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
