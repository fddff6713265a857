"""What is asked of an API server, and how that fails: which call, on what, which right is missing."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import msgspec

from pipeline.errors import SourceError

_ANONYMOUS: Final = 'User "system:anonymous"'
_IMPERSONATED: Final = re.compile(
    r'cannot impersonate resource "([a-z/]{1,60})"(?: in API group "([a-z0-9.]{0,100})")?'
)


class Call(msgspec.Struct, frozen=True):
    """One request, in the words of RBAC."""

    verb: str  # get, list, watch
    resource: str  # pods, pods/log, rollouts
    namespace: str = ""  # empty: the whole cluster
    name: str = ""
    group: str = ""  # argoproj.io; empty: core
    version: str = "v1"

    @property
    def path(self) -> str:
        """Path of the URL."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{self.namespace}" if self.namespace else ""
        resource, _, below = self.resource.partition("/")
        name = f"/{self.name}" if self.name else ""
        return f"{root}{place}/{resource}{name}{'/' + below if below else ''}"

    @property
    def rule(self) -> str:
        """The RBAC rule that allows it."""
        return f'{{apiGroups: ["{self.group}"], resources: ["{self.resource}"], verbs: ["{self.verb}"]}}'

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else " in all namespaces"
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}{' ' + self.name if self.name else ''}{where}"


class Reason(enum.Enum):
    """Why a call failed."""

    UNREACHABLE = "unreachable"  # no answer, or the connection broke
    UNAUTHORIZED = "unauthorized"  # 401: credentials are wrong or have expired
    FORBIDDEN = "forbidden"  # 403: a right is missing
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410: a resourceVersion that is too old
    REFUSED = "refused"  # another 4xx
    OVERLOADED = "overloaded"  # 429: it has too much to do
    FAILED = "failed"  # 5xx


class CallError(SourceError):
    """A call failed; the text says which, on what, and what would help."""

    def __init__(
        self,
        cluster: str,
        call: Call,
        reason: Reason,
        text: str,
        status: int = 0,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Describe it.

        Args:
            cluster: what the kubeconfig calls it.
            call: that failed.
            reason: in one word.
            text: what the server or the connection said; without secrets.
            status: of HTTP; 0: there was no answer.
            retry_after_seconds: as the server asks for; None: it does not.
        """
        super().__init__(_sentence(cluster, call, reason, text))
        self.call = call
        self.reason = reason
        self.status = status
        self.text = text
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_right_missing(self) -> bool:
        """Whether `call.rule` would allow it. Where somebody may not be impersonated it would not."""
        return self.reason is Reason.FORBIDDEN and _IMPERSONATED.search(self.text) is None


class Stream(Protocol):
    """An answer that comes bit by bit."""

    def __iter__(self) -> Iterator[bytes]:
        """What came, in pieces of any size. Raises CallError where the connection breaks."""
        ...

    def close(self) -> None:
        """End it; from any thread, also while another one waits for a piece."""
        ...


class Cluster(Protocol):
    """One API server. Safe to use from any thread."""

    @property
    def name(self) -> str:
        """What the kubeconfig calls the cluster."""
        ...

    @property
    def namespace(self) -> str:
        """The context's own namespace."""
        ...

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        """The body of the answer. Raises CallError."""
        ...

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> Stream:
        """An answer that goes on; it breaks after so long without a piece. Raises CallError."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def _sentence(cluster: str, call: Call, reason: Reason, text: str) -> str:
    start = f"cluster {cluster}: cannot {call}: "
    match reason:
        case Reason.FORBIDDEN if (subject := _IMPERSONATED.search(text)) is not None:
            rule = f'{{apiGroups: ["{subject[2] or ""}"], resources: ["{subject[1]}"], verbs: ["impersonate"]}}'
            return f"{start}{text}; a ClusterRole with the rule {rule} would allow it"
        case Reason.FORBIDDEN if _ANONYMOUS in text:  # whom nobody should give rights
            return f"{start}{text}; no credentials were given: see the user in the kubeconfig"
        case Reason.FORBIDDEN:
            kind = "Role" if call.namespace else "ClusterRole"
            return f"{start}{text}; a {kind} with the rule {call.rule} would allow it"
        case Reason.UNAUTHORIZED:
            return f"{start}the API server does not accept the credentials: {text}"
        case _:
            return f"{start}{text}"
