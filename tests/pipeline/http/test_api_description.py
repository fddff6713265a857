"""The API keeps to its description, whatever is asked that the description allows or forbids."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from pipeline.config import RedactSettings
from pipeline.http.openapi import describe_api
from pipeline.secret import Secret
from pipeline.status import StatusBoard
from pipeline.store.settings import StoreSettings
from tests.pipeline.http.conftest import WORKING, api_server

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, ignored_auth,
    unsupported_method,
]  # fmt: skip
BOUNDED = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _operations() -> list[APIOperation]:
    found = schemathesis.openapi.from_dict(describe_api()).get_all_operations()
    return [operation.ok() for operation in found if isinstance(operation, Ok)]


OPERATIONS = {operation.label: operation for operation in _operations()}


def test_every_operation_can_be_read() -> None:
    methods = [method for path in describe_api()["paths"].values() for method in path]
    assert len(methods) == len(OPERATIONS)


@pytest.fixture(scope="module")
def url(api_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of one server for all questions: what one of them changes, the others find."""
    store = StoreSettings(url=f"sqlite:///{shutil.copy(api_template, tmp_path_factory.mktemp('asked'))}")
    tokens = {"api_read_token": Secret("reader"), "api_write_token": Secret("writer")}
    server = api_server(store, StatusBoard(WORKING, time.monotonic), RedactSettings(), **tokens)
    yield server.start()
    server.stop()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_answers_are_as_described(url: str, operation: APIOperation, mode: GenerationMode) -> None:
    """Status, type and content of every answer; wrong questions are refused, and nobody gets in without a token."""
    # In an address every value is a text: there a number in the place of a text is no wrong one.
    checks = [*CHECKS, negative_data_rejection] if operation.body else CHECKS
    session = requests.Session()
    session.trust_env = False

    @BOUNDED
    @given(case=operation.as_strategy(mode))
    def ask(case: Case) -> None:
        case.call_and_validate(url, session, {"Authorization": "Bearer writer"}, checks=checks)

    with session:
        ask()
