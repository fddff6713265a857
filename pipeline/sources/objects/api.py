"""What the watch of objects asks of an API server. Bodies come as bytes: only a few fields of them are ever decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from pipeline.cluster.calls import Call


class ApiError(Exception):
    """An answer that is no success, or none at all."""

    def __init__(self, message: str, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        """Describe it.

        Args:
            message: which call, on what, why it failed; without secrets.
            status: of HTTP; None: there was no answer.
            retry_after_seconds: as the server asks for; None: it does not.
        """
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class ObjectApi(Protocol):
    """One API server. Safe to use from several threads."""

    def get(self, call: Call, query: Mapping[str, str]) -> bytes:
        """The body of an answer.

        Raises:
            ApiError: It was refused, or there was none.
        """
        ...

    def stream(self, call: Call, query: Mapping[str, str]) -> Iterator[bytes]:
        """The lines of an answer, as they come; an unfinished last line is left out. Ends where the server ends it.

        Raises:
            ApiError: It was refused, was cut, or said nothing for longer than the server may.
        """
        ...

    def cut(self) -> None:
        """End what streams now, from any thread; more may be asked for."""
        ...

    def close(self) -> None:
        """Cut what still streams."""
        ...
