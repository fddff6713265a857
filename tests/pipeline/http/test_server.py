"""The server, asked over real sockets."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest

from pipeline.errors import ConfigurationError
from pipeline.http.app import SECURITY_HEADERS
from pipeline.http.server import HttpServer
from pipeline.http_settings import HttpSettings
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.secret import Secret
from pipeline.status import Check, DaemonRole, DaemonStatus, StatusBoard
from tests.pipeline.http.certificates import Files, make_certificate
from tests.pipeline.http.conftest import AT, Clock, Serve

BEARER = {"Authorization": "Bearer hunter2"}


def get(url: str, headers: dict[str, str] | None = None, **options: object) -> httpx.Response:
    """One request, on a connection of its own."""
    with httpx.Client(trust_env=False, timeout=120, **options) as client:  # type: ignore[arg-type]
        return client.get(url, headers=headers)


def test_healthy(serve: Serve) -> None:
    """In few words."""
    _, url = serve()
    assert [(200, "ok")] * 2 == [(done.status_code, done.text) for done in map(get, (f"{url}/livez", f"{url}/readyz"))]


def test_not_ready_is_503(serve: Serve, board: StatusBoard) -> None:
    """What is published is told at once; it is alive all the same."""
    _, url = serve()
    board.publish(DaemonStatus(DaemonRole.ACTIVE, AT, (Check("source", False, "raw: not connected"),)))
    done = get(f"{url}/readyz")
    assert (503, True) == (done.status_code, "[-]source failed: raw: not connected" in done.text)
    assert 200 == get(f"{url}/livez").status_code


def test_exclude_and_verbose(serve: Serve, board: StatusBoard) -> None:
    """As parameters of the address; exclude may be repeated."""
    _, url = serve()
    board.publish(DaemonStatus(DaemonRole.ACTIVE, AT, (Check("a", False), Check("b", False), Check("c", True))))
    done = get(f"{url}/readyz?verbose&exclude=a&exclude=b")
    lines = done.text.splitlines()[1:]
    assert (200, ["[+]a excluded: ok", "[+]b excluded: ok", "[+]c ok", "readyz check passed"]) == (
        done.status_code,
        lines,
    )


def test_stalled_is_503(serve: Serve, clock: Clock) -> None:
    """After the time that is set."""
    _, url = serve(stall_seconds=10.0)
    clock.seconds += 11
    assert 503 == get(f"{url}/livez").status_code


def test_metrics(serve: Serve) -> None:
    """In Prometheus' text format."""
    _, url = serve()
    done = get(f"{url}/metrics")
    assert 'whystuck_build_info{python="' in done.text
    assert done.headers["content-type"].startswith("text/plain; version=")


def test_answers_have_security_headers(serve: Serve) -> None:
    """Errors too; and nobody is told what serves."""
    _, url = serve(token=Secret("hunter2"))
    for path in ("/livez", "/metrics", "/nothing"):
        headers = get(f"{url}{path}").headers
        assert {(name.decode(), value.decode()) for name, value in SECURITY_HEADERS} <= set(headers.items())
        assert "server" not in headers


METHODS = {"HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405, "TRACE": 405}


@pytest.mark.parametrize(("method", "status"), METHODS.items(), ids=METHODS)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_methods(serve: Serve, method: str, status: int, path: str) -> None:
    """Only questions are answered; the answer to HEAD has no body."""
    _, url = serve()
    with httpx.Client(trust_env=False) as client:
        done = client.request(method, f"{url}{path}")
    assert status == done.status_code
    assert ("" if method == "HEAD" else "Method Not Allowed") == done.text
    assert status == 200 or {"GET", "HEAD"} == set(done.headers["allow"].split(", "))


def test_nothing_else_is_served(serve: Serve) -> None:
    """No documentation, no files."""
    _, url = serve()
    assert [404] * 3 == [get(f"{url}{path}").status_code for path in ("/", "/docs", "/livez/../../etc/passwd")]


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "endless header": b"GET /livez HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "address that is no text": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "another protocol wanted": b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_answered_or_hung_up_on(serve: Serve, request_bytes: bytes) -> None:
    """And the next one is served."""
    _, url = serve()
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as client:
        try:
            client.sendall(request_bytes)
            begin = client.recv(12)
        except ConnectionError:
            begin = b""
    assert begin in (b"", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 200")
    assert 200 == get(f"{url}/livez").status_code


def test_question_is_not_repeated_in_full(serve: Serve) -> None:
    """However long it is, and whatever is in it."""
    _, url = serve()
    excluded = "&".join(f"exclude={'x' * 100}{number}%0A%1b[31m" for number in range(100))
    done = get(f"{url}/readyz?verbose&{excluded}")
    assert 200 == done.status_code
    assert len(done.text) < 2000
    assert "\x1b" not in done.text


TOKENS = {
    "none": ({}, 401),
    "the right one": (BEARER, 200),
    "in small letters": ({"Authorization": "bearer hunter2"}, 200),
    "a wrong one": ({"Authorization": "Bearer hunter3"}, 401),
    "the beginning of it": ({"Authorization": "Bearer hunter"}, 401),
    "nothing behind the scheme": ({"Authorization": "Bearer"}, 401),
    "another scheme": ({"Authorization": "Basic hunter2"}, 401),
    "letters beyond ASCII": ({"Authorization": "Bearer hünter2"}, 401),
}


@pytest.mark.parametrize(("headers", "status"), TOKENS.values(), ids=TOKENS)
def test_token(serve: Serve, headers: dict[str, str], status: int) -> None:
    """Metrics need it, and the answer does not hold it."""
    _, url = serve(token=Secret("hunter2"))
    done = get(f"{url}/metrics", {name: value.encode() for name, value in headers.items()})  # type: ignore[misc]
    assert status == done.status_code
    assert "hunter2" not in done.text
    assert (status == 401) is ("www-authenticate" in done.headers)


def test_health_needs_no_token_its_reasons_do(serve: Serve, board: StatusBoard) -> None:
    """A probe has none."""
    _, url = serve(token=Secret("hunter2"))
    board.publish(DaemonStatus(DaemonRole.ACTIVE, AT, (Check("source", False, "kafka-0 refused"),)))
    assert "[-]source failed: reason withheld" in get(f"{url}/readyz").text
    assert "[-]source failed: kafka-0 refused" in get(f"{url}/readyz", BEARER).text


def test_token_of_a_file_is_read_again(serve: Serve, tmp_path: Path) -> None:
    """When the daemon is told to; a file that is broken changes nothing."""
    file = tmp_path / "token"
    file.write_text("hunter2\n")
    server, url = serve(token_file=str(file))
    assert 200 == get(f"{url}/metrics", BEARER).status_code
    file.write_text("")
    with pytest.raises(ConfigurationError, match=r"^http\.token_file: "):
        server.reload()
    assert 200 == get(f"{url}/metrics", BEARER).status_code
    file.write_text("other\n")
    server.reload()
    assert 401 == get(f"{url}/metrics", BEARER).status_code


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A certificate for this machine."""
    return make_certificate(tmp_path, "first")


def trusting(files: Files) -> ssl.SSLContext:
    """A client that trusts this certificate only."""
    return ssl.create_default_context(cafile=str(files.certificate))


def test_tls(serve: Serve, files: Files) -> None:
    """With the certificate that was set, and with nothing but TLS."""
    _, url = serve(certificate_file=str(files.certificate), key_file=str(files.key))
    assert url.startswith("https://")
    assert 200 == get(f"{url}/livez", verify=trusting(files)).status_code
    with pytest.raises(httpx.TransportError):
        get(f"{url.replace('https', 'http')}/livez")


def test_certificate_is_read_again(serve: Serve, files: Files, tmp_path: Path) -> None:
    """The next connection sees the new one."""
    server, url = serve(certificate_file=str(files.certificate), key_file=str(files.key))
    second = make_certificate(tmp_path, "second")
    shutil.copy(second.certificate, files.certificate)
    with pytest.raises(ConfigurationError, match="KEY_VALUES_MISMATCH"):
        server.reload()
    shutil.copy(second.key, files.key)
    server.reload()
    assert 200 == get(f"{url}/livez", verify=trusting(second)).status_code


def _server(**settings: object) -> HttpServer:
    board = StatusBoard(DaemonStatus(DaemonRole.STARTING, AT))
    return HttpServer(HttpSettings(**settings), board, Metrics(MetricsSettings(), "1"))  # type: ignore[arg-type]


def test_refuses_certificates_that_are_missing(tmp_path: Path) -> None:
    """Before anything listens."""
    missing = str(tmp_path / "no.crt")
    with pytest.raises(ConfigurationError, match=r"^http\.certificate_file: cannot use .*no\.crt .*: No such file"):
        _server(certificate_file=missing, key_file=missing)


def test_refuses_a_key_with_a_password(tmp_path: Path) -> None:
    """It never asks for it on the terminal."""
    files = make_certificate(tmp_path, "locked", b"hunter2")
    with pytest.raises(ConfigurationError, match=r"^http\.certificate_file: cannot use "):
        _server(certificate_file=str(files.certificate), key_file=str(files.key))


def test_port_that_is_taken_is_named() -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught:
            _server(listen=f"127.0.0.1:{port}").start()
    why = "Address already in use; choose another port, or 0 for a free one"
    assert f"http.listen: cannot listen on 127.0.0.1:{port}: {why}" == str(caught.value)


def test_name_that_is_none_is_named() -> None:
    """As the system says it."""
    with pytest.raises(ConfigurationError, match=r"^http\.listen: cannot listen on no\.invalid:0: "):
        _server(listen="no.invalid:0").start()


def test_ends_within_its_time_though_a_client_stays(serve: Serve) -> None:
    """A connection that sends half a request and nothing more does not hold it up."""
    server, url = serve(shutdown_seconds=1.0)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        server.stop()
        assert [] == [thread.name for thread in _http_threads()]
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(port)))


def _http_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "http"]


def test_stop_without_start() -> None:
    """And twice."""
    server = _server()
    server.stop()
    server.stop()
