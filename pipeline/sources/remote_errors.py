"""What the clients behind fsspec raise: only some of them turn their errors into OSError.

Each function is called when a URL of its kind is given; where the client is not installed, opening says so.
"""

from __future__ import annotations

_COMMON: tuple[type[Exception], ...] = (OSError, ValueError, RuntimeError, EOFError)


def s3_errors() -> tuple[type[Exception], ...]:
    """Return the errors of s3fs."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return _COMMON
    return (*_COMMON, BotoCoreError, ClientError)


def gcs_errors() -> tuple[type[Exception], ...]:
    """Return the errors of gcsfs."""
    try:
        from gcsfs.retry import HttpError  # type: ignore[import-not-found,unused-ignore]
        from google.auth.exceptions import GoogleAuthError  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return (*_COMMON, *http_errors())
    return (*_COMMON, *http_errors(), HttpError, GoogleAuthError)


def azure_errors() -> tuple[type[Exception], ...]:
    """Return the errors of adlfs."""
    try:
        from azure.core.exceptions import AzureError  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return _COMMON
    return (*_COMMON, AzureError)


def http_errors() -> tuple[type[Exception], ...]:
    """Return the errors of fsspec's http."""
    try:
        from aiohttp import ClientError
    except ImportError:
        return _COMMON
    return (*_COMMON, ClientError)
