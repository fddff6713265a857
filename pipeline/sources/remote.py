"""Logs in object stores and behind http, through fsspec, which is imported only when such a path is given.

Nothing that is shown or kept holds credentials: user names, passwords, queries and fragments are taken off every URL,
also of those that stand in the libraries' own messages.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import msgspec

from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.journal import BrokenInputError, InputProblem, Journal, SkipReason, cannot_read, read_in_part
from pipeline.sources.local import READ_BYTES
from pipeline.sources.parts import Part
from pipeline.sources.remote_errors import azure_errors, gcs_errors, http_errors, s3_errors

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>|)\]]+")
_MAX_REASON_CHARS = 200
_CONNECT_SECONDS = 30
_SILENCE_SECONDS = 120


class Scheme(msgspec.Struct, frozen=True):
    """One kind of URL: the extra of our package that brings its client, and what that client raises."""

    extra: str
    errors: Callable[[], tuple[type[Exception], ...]]
    is_http: bool = False  # no listing, and a question mark begins the query


_HTTP = Scheme("http", http_errors, is_http=True)
_AZURE = Scheme("azure", azure_errors)

SCHEMES: dict[str, Scheme] = {
    "s3": Scheme("s3", s3_errors),
    "gs": Scheme("gcs", gcs_errors),
    "az": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "http": _HTTP,
    "https": _HTTP,
}


class _Remote(msgspec.Struct, frozen=True):
    """One argument's file system and how its errors are told."""

    scheme: Scheme
    shown: str
    filesystem: Any  # fsspec has no types
    errors: tuple[type[Exception], ...]


def is_remote(argument: str) -> bool:
    """Return whether a path argument is a URL."""
    return _URL.match(argument) is not None


def without_secrets(text: str) -> str:
    """Take user names, passwords, queries and fragments off every URL in `text`."""
    return _URL.sub(lambda match: _bare_url(match[0]), text)


def remote_parts(argument: str, journal: Journal) -> list[Part]:
    """Return the files behind a URL: one, or those below a folder or matching a glob; problems go to the journal."""
    shown = without_secrets(argument)
    name = argument.split("://", 1)[0].lower()
    scheme = SCHEMES.get(name)
    if scheme is None:
        advice = f"give one of {', '.join(sorted(SCHEMES))}, or a local path"
        journal.report(cannot_read(shown, f"{name}:// is not read", advice))
        return []
    errors = scheme.errors()
    try:
        filesystem, path = _connect(argument, scheme)
        remote = _Remote(scheme, shown, filesystem, errors)
        return _list_parts(remote, path, journal)
    except ImportError:
        why = f"{name}:// needs a client that is not installed"
        journal.report(cannot_read(shown, why, f"pip install 'whystuck[{scheme.extra}]'"))
    except errors as error:
        journal.report(_describe(shown, error))
    return []


def _connect(argument: str, scheme: Scheme) -> tuple[Any, str]:
    import fsspec.core

    options: dict[str, Any] = {}
    if scheme.is_http:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
        options["client_kwargs"] = {"timeout": timeout, "trust_env": True}  # proxies from the environment
    filesystem, path = fsspec.core.url_to_fs(argument, **options)
    return filesystem, path


def _list_parts(remote: _Remote, path: str, journal: Journal) -> list[Part]:
    if remote.scheme.is_http:
        return [_part(remote, path, remote.filesystem.info(path), remote.shown, journal, is_explicit=True)]
    if glob.has_magic(path):
        found: dict[str, Any] = remote.filesystem.glob(path, detail=True)
    else:
        info = remote.filesystem.info(path)
        if info["type"] != "directory":
            return [_part(remote, path, info, remote.shown, journal, is_explicit=True)]
        found = remote.filesystem.find(path, detail=True)
    parts: list[Part] = []
    for name, info in sorted(found.items()):
        shown = without_secrets(remote.filesystem.unstrip_protocol(name))
        if name.rsplit("/", 1)[-1].startswith("."):
            journal.skip(shown, SkipReason.HIDDEN)
        elif info["type"] == "file":
            parts.append(_part(remote, name, info, shown, journal, is_explicit=False))
    return parts


def _part(remote: _Remote, name: str, info: dict[str, Any], shown: str, journal: Journal, *, is_explicit: bool) -> Part:
    size = info.get("size")

    @contextmanager
    def open_remote() -> Iterator[ByteStream]:
        try:
            file = remote.filesystem.open(name, "rb")
        except remote.errors as error:
            raise BrokenInputError(_describe(shown, error)) from error
        with file:
            yield ByteStream(_read_chunks(file, shown, remote.errors, journal))

    return Part(shown, open_remote, size_bytes=size if isinstance(size, int) else None, is_explicit=is_explicit)


def _read_chunks(file: BinaryIO, shown: str, errors: tuple[type[Exception], ...], journal: Journal) -> Iterator[bytes]:
    size = 0
    while True:
        try:
            chunk: bytes = file.read(READ_BYTES)
        except errors as error:
            raise BrokenInputError(_describe(shown, error, size)) from error
        if not chunk:
            return
        size += len(chunk)
        journal.progress.advance(len(chunk))
        yield chunk


def _describe(shown: str, error: Exception, size: int = 0) -> InputProblem:
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # fsspec's http says so of everything, a refused connection too
    if isinstance(error, FileNotFoundError) or getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
        return cannot_read(shown, "it does not exist", "check the address")
    if isinstance(error, PermissionError):
        return cannot_read(shown, "access is denied", "check the credentials in the environment")
    text = without_secrets(" ".join(str(error).split()))[:_MAX_REASON_CHARS]
    why = f"{type(error).__name__}: {text}" if text else type(error).__name__
    advice = "check the address, the network and the credentials, or download it and give the file"
    if size:
        return read_in_part(shown, f"{why}; {size} bytes were read", advice)
    return cannot_read(shown, why, advice)


def _bare_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.split("://", 1)[0] + "://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
