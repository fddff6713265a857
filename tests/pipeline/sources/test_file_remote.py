"""Logs behind URLs are read, and no message holds a secret."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry, known_implementations

from pipeline.sources.remote import without_secrets
from tests.pipeline.sources.file_samples import Reader

TEXT = b"one\ntwo\n"
FILES = {"/c.log": TEXT, "/c.log.gz": gzip.compress(TEXT)}


class _Handler(BaseHTTPRequestHandler):
    """Serves FILES; forbids everything under /secret."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        content = FILES.get(path)
        self.send_response(200 if content else 403 if path.startswith("/secret") else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content or b"")

    do_HEAD = do_GET  # noqa: N815, the name is the method's

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Host and port of an HTTP server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class _Bucket(MemoryFileSystem):
    """An object store that is in memory."""

    protocol = "s3"
    store: dict[str, Any] = {}  # noqa: RUF012, as the class above
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("s3://"))

    def unstrip_protocol(self, name: str) -> str:
        return f"s3:/{name}"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Bucket]:
    """The object store behind s3://."""
    monkeypatch.setitem(_registry, "s3", _Bucket)
    filesystem = _Bucket()
    filesystem.pipe({"/logs/a.log": TEXT, "/logs/below/b.log.gz": gzip.compress(TEXT), "/logs/.hidden": TEXT})
    yield filesystem
    filesystem.rm("/logs", recursive=True)


@pytest.mark.parametrize("name", ["c.log", "c.log.gz"])
def test_http_is_read_and_shown_without_secrets(name: str, address: str, read: Reader) -> None:
    """The query of a signed URL and a password never get into the name of the log."""
    outcome = read(f"http://{address}/{name}?X-Signature=hunter2")

    assert {f"http://{address}/{name}": TEXT} == outcome.texts


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("missing.log", "it does not exist; check the address", id="404"),
        pytest.param("secret/c.log", "403", id="403"),
    ],
)
def test_http_error_is_a_problem_without_secrets(path: str, message: str, address: str, read: Reader) -> None:
    """The library's own message holds the whole URL; ours does not."""
    (problem,) = map(str, read(f"http://{address}/{path}?X-Signature=hunter2").problems)

    assert problem.startswith(f"cannot read http://{address}/{path}: ")
    assert message in problem
    assert "hunter2" not in problem


def test_refused_connection_is_a_problem(read: Reader) -> None:
    """Nobody listens at port 1."""
    (problem,) = map(str, read("http://127.0.0.1:1/c.log").problems)

    assert "Cannot connect to host 127.0.0.1:1" in problem


@pytest.mark.parametrize("path", ["s3://logs", "s3://logs/", "s3://logs/**"])
def test_folder_and_glob_in_an_object_store(path: str, bucket: _Bucket, read: Reader) -> None:
    """Everything below is read, as from a directory."""
    assert {"s3://logs/a.log": TEXT, "s3://logs/below/b.log.gz": TEXT} == read(path).texts


@pytest.mark.parametrize("path", ["s3://logs/none.log", "s3://none"])
def test_missing_object_is_a_problem(path: str, bucket: _Bucket, read: Reader) -> None:
    """The message names the object."""
    assert f"cannot read {path}: it does not exist; check the address" == str(read(path).problems[0])


def test_missing_client_names_the_extra(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds the command that installs what is missing."""
    monkeypatch.setitem(known_implementations, "abfss", {"class": "nothing_here.FileSystem", "err": "install it"})
    (problem,) = map(str, read("abfss://logs/c.log").problems)

    assert "abfss:// needs a client that is not installed; pip install 'whystuck[azure]'" in problem


def test_unknown_scheme_is_a_problem(read: Reader) -> None:
    """The message lists what can be read."""
    assert "ftp:// is not read; give one of abfs," in str(read("ftp://host/c.log").problems[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:pw@host/a?sig=1#x", "https://host/a"),
        ("GET 'https://host/a?sig=1' failed", "GET 'https://host/a' failed"),
        ("s3://key:secret@bucket/a", "s3://bucket/a"),
        ("http://[bad/a?sig=1", "http://…"),
        ("no address", "no address"),
    ],
)
def test_secrets_are_taken_off(text: str, expected: str) -> None:
    """User names, passwords, queries and fragments go."""
    assert expected == without_secrets(text)
