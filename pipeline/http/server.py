"""The server: uvicorn on a thread and an event loop of its own, so that it answers while the pipeline works."""

from __future__ import annotations

import socket
import ssl
import threading

import uvicorn

from pipeline.errors import ConfigurationError
from pipeline.http.api import Api
from pipeline.http.app import Guard, create_app
from pipeline.http_settings import HttpSettings
from pipeline.metrics.metrics import Metrics
from pipeline.own_log.loggers import get_logger
from pipeline.secret import Secret, read_secret
from pipeline.status import StatusBoard

MAX_CONNECTIONS = 256
"""At a time; more are answered with 503. Probes and scrapes are a handful."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the usual time between two scrapes, so that TLS is not negotiated anew for each."""
_FORCED_SECONDS = 2.0

_log = get_logger("http")


class HttpServer:
    """Serves the daemon's state from `start` to `stop`. Used by one thread; after `stop` it is of no use."""

    def __init__(self, settings: HttpSettings, board: StatusBoard, metrics: Metrics, api: Api | None = None) -> None:
        """Read certificate and token; nothing listens yet. The API, where there is one, is closed with the server.

        Raises:
            ConfigurationError: One of them cannot be used.
        """
        self._settings = settings
        self._guard = Guard(_read_token(settings))
        self._tls = create_tls_context(settings)
        self._api = api if api is not None and api.guard.is_on else None
        mounts = () if self._api is None else (self._api.mount(),)
        app = create_app(board, metrics, self._guard, settings.stall_seconds, mounts)
        self._server = uvicorn.Server(_uvicorn_config(app, settings, self._tls))
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen from now on; what is asked before the thread runs waits for it.

        Returns:
            The address of the end-points, with the port that was taken where 0 was set.

        Raises:
            ConfigurationError: The address cannot be listened on.
        """
        listener = _listen(self._settings)
        host, port = listener.getsockname()[:2]
        url = f"{'http' if self._tls is None else 'https'}://{f'[{host}]' if ':' in host else host}:{port}"
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="http", daemon=True)
        self._thread.start()
        _log.info("http.listening", url=url, has_token=self._guard.token is not None)
        return url

    def reload(self) -> None:
        """Read certificate and token anew: they are in force for the next connection and the next request.

        Raises:
            ConfigurationError: One of them cannot be used; what was in force stays.
        """
        token = _read_token(self._settings)
        if self._tls is not None:
            create_tls_context(self._settings)  # a try, on a context that nobody uses
            _load_certificate(self._tls, self._settings)
        if self._api is not None:
            self._api.guard.reload()
        self._guard.token = token

    def stop(self) -> None:
        """End answers that were begun, within `shutdown_seconds`, and listen no longer."""
        if self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(self._settings.shutdown_seconds + _FORCED_SECONDS)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(_FORCED_SECONDS)
        self._thread = None
        if self._api is not None:
            self._api.close()


def _read_token(settings: HttpSettings) -> Secret | None:
    return read_secret("http.token", settings.token, settings.token_file)


def _uvicorn_config(app: object, settings: HttpSettings, tls: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )
    config.load()
    config.ssl = tls  # made here: uvicorn would read the files on its own thread, where nobody hears of an error
    return config


def create_tls_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """What is needed to serve TLS; None: it is not set.

    Raises:
        ConfigurationError: Certificate and key cannot be used, or do not belong together.
    """
    if settings.certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_certificate(context, settings)
    return context


def _load_certificate(context: ssl.SSLContext, settings: HttpSettings) -> None:
    assert settings.certificate_file is not None
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(settings.certificate_file, settings.key_file, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = f"{settings.certificate_file} with the key {settings.key_file}"
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigurationError(f"http.certificate_file: cannot use {files}: {why}") from error


def _listen(settings: HttpSettings) -> socket.socket:
    host, port = settings.address()
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        why = str(error.strerror or error).partition(" (while ")[0]  # Python adds the address, which is named here
        raise ConfigurationError(
            f"http.listen: cannot listen on {settings.listen}: {why}; choose another port, or 0 for a free one"
        ) from error
