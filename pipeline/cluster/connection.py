"""Connections by the kubernetes client: who one is and how to be let in is its part, requests are plain HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.credentials import Credentials
from pipeline.cluster.kubeconfig import Kubeconfig
from pipeline.cluster.pod_account import is_pod, load_service_account
from pipeline.cluster.safe_text import MAX_CHARS, safe_text, unreachable_text
from pipeline.cluster.settings import ClusterSettings
from pipeline.cluster.tally import CallTally
from pipeline.errors import ConfigurationError
from pipeline.own_log.loggers import get_logger
from pipeline.secret import hide_secrets

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration
    from urllib3 import BaseHTTPResponse

_log = get_logger("cluster")

LOAD_AGAIN_SECONDS = 5.0
"""Credentials that are refused are not read anew more often than this: a plug-in may ask people, and costs."""
MAX_RETRY_AFTER_SECONDS = 300.0
"""Whatever a server, or what stands before it, asks for: longer than this nobody is kept waiting."""
PIECE_BYTES = 65_536
_REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    429: Reason.OVERLOADED,
}


class KubeCluster:
    """A `Cluster`."""

    def __init__(self, settings: ClusterSettings, tally: CallTally | None = None) -> None:
        """Read the kubeconfig; nothing is asked yet.

        Args:
            settings: how it is reached.
            tally: where calls are counted.

        Raises:
            ConfigurationError: There is neither a kubeconfig nor a service account, or what is named is not in it.
        """
        self._settings = settings
        self._tally = tally or CallTally()
        self._lock = threading.Lock()
        path = settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        is_in_pod = not settings.kubeconfig and is_pod() and not any(map(_exists, path.split(os.pathsep)))
        self._kubeconfig = None if is_in_pod else Kubeconfig(path, settings)
        self.name, self.namespace = "", "default"
        self._not_loaded = ""  # why credentials could not be read anew; empty: they could, or were not refused
        self._load()

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        """The body of the answer. Raises CallError."""
        import urllib3

        answer = self._request(call, query or {}, accept, self._settings.request_limit_seconds)
        try:
            return bytes(answer.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(call, error) from error

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> KubeStream:
        """An answer that goes on. Raises CallError."""
        return KubeStream(self.name, call, self._request(call, query, "*/*", idle_seconds), self._tally)

    def close(self) -> None:
        """Let go of connections."""
        self._client.rest_client.pool_manager.clear()

    def _request(
        self, call: Call, query: Mapping[str, str], accept: str, read_seconds: float | None
    ) -> BaseHTTPResponse:
        import urllib3

        client = self._client
        answer = self._send(client, call, query, accept, read_seconds)
        if answer.status == 401:
            answer.drain_conn()  # what is not read would be taken for the answer of the next call
            answer.release_conn()
            answer = self._send(self._renewed(client, call), call, query, accept, read_seconds)
        if answer.status >= 300:
            reason = _REASONS.get(answer.status, Reason.REFUSED if answer.status < 500 else Reason.FAILED)
            try:
                body = answer.read(decode_content=True)
            except (urllib3.exceptions.HTTPError, OSError):
                body = b""
            text, wait = _message(body, answer.status), _retry_after(answer.headers.get("Retry-After"))
            raise CallError(self.name, call, reason, text, answer.status, wait)
        return answer

    def _send(
        self, client: ApiClient, call: Call, query: Mapping[str, str], accept: str, read_seconds: float | None
    ) -> BaseHTTPResponse:
        import urllib3
        from kubernetes.config.config_exception import ConfigException

        began = time.monotonic()
        url = f"{client.configuration.host}{call.path}?{urlencode(query)}"
        timeout = urllib3.Timeout(connect=self._settings.request_limit_seconds, read=read_seconds)
        try:
            headers = self._headers(client.configuration) | {"Accept": accept}
            pool = client.rest_client.pool_manager
            answer = pool.request("GET", url, headers=headers, timeout=timeout, preload_content=False, retries=False)
        except ConfigException as error:
            raise CallError(self.name, call, Reason.UNAUTHORIZED, safe_text(error)) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._tally.count(self.name, call, None, time.monotonic() - began)
            raise self._broken(call, error) from error
        self._tally.count(self.name, call, answer.status, time.monotonic() - began)
        return answer

    def _headers(self, configuration: Configuration) -> dict[str, str]:
        token = self._credentials.token(configuration)
        headers = {"Authorization": token} if token else {}
        if not token and configuration.username:
            headers["Authorization"] = configuration.get_basic_auth_token() or ""
        if self._settings.impersonate:
            headers["Impersonate-User"] = self._settings.impersonate
        return headers

    def _broken(self, call: Call, error: Exception) -> CallError:
        text = unreachable_text(self._client.configuration.host, error)
        return CallError(self.name, call, Reason.UNREACHABLE, text)

    def _load(self) -> None:
        import urllib3
        from kubernetes import client

        self._loaded_at = time.monotonic()
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = 100
        if self._kubeconfig is not None:
            place = self._kubeconfig.load(configuration)
        else:
            place = load_service_account(self._settings.service_account, configuration)
        self.name, self.namespace = place.cluster, place.namespace
        self._credentials = Credentials(place.giver)
        if not configuration.verify_ssl:
            _log.warning("cluster.not_verified", cluster=self.name)
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it would come with every call
        self._client = client.ApiClient(configuration)

    def _renewed(self, refused: ApiClient, call: Call) -> ApiClient:
        """With what may have been renewed in a file or by a plug-in meanwhile: whoever comes first looks.

        Raises:
            CallError: What is there now cannot be used.
        """
        with self._lock:
            if self._client is refused and time.monotonic() - self._loaded_at > LOAD_AGAIN_SECONDS:
                self._load_again()
            problem = self._not_loaded or self._credentials.problem
            if self._client is refused and problem:
                raise CallError(self.name, call, Reason.UNAUTHORIZED, problem, 401)
            return self._client

    def _load_again(self) -> None:
        try:
            self._load()
            self._not_loaded = ""
        except ConfigurationError as error:
            self._not_loaded = str(error)
        finally:
            self._loaded_at = time.monotonic()  # whoever waited for this one is told the same


class KubeStream:
    """A `Stream`."""

    def __init__(self, cluster: str, call: Call, answer: BaseHTTPResponse, tally: CallTally) -> None:
        self._cluster = cluster
        self._call = call
        self._answer = answer
        self._tally = tally
        self._lock = threading.Lock()
        self._is_closed = False
        tally.opened(cluster, call)

    def __iter__(self) -> Iterator[bytes]:
        """What came, in pieces of any size. Raises CallError."""
        import urllib3

        try:
            for piece in self._answer.stream(PIECE_BYTES, decode_content=False):
                yield bytes(piece)
        except (urllib3.exceptions.HTTPError, OSError, AttributeError, ValueError) as error:
            # Of a socket that another thread has closed, the client may stumble over parts that are gone.
            if self._is_closed:
                return
            raise CallError(self._cluster, self._call, Reason.UNREACHABLE, safe_text(error)) from error

    def close(self) -> None:
        """End it, from any thread."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
        if not was_closed:
            self._tally.closed(self._cluster, self._call)
        with contextlib.suppress(Exception):
            self._answer.shutdown()  # wakes a thread that waits; closing alone does not
        with contextlib.suppress(Exception):
            self._answer.close()


def _exists(path: str) -> bool:
    return bool(path) and Path(path).expanduser().exists()


def _message(body: bytes, status: int) -> str:
    try:
        text = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace") or f"HTTP status {status}"
    return hide_secrets(" ".join(str(text).split()))[:MAX_CHARS]


def _retry_after(text: str | None) -> float | None:
    """Seconds; an API server gives them as a number."""
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text is not None and text.isascii() and text.isdigit() else None
