"""Who may ask the API what."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from pipeline.http_settings import HttpSettings
from pipeline.secret import Secret, read_secret


class ApiScope(enum.Enum):
    """What a token is good for."""

    READ = "read"
    WRITE = "write"  # also reads


class Admission(enum.Enum):
    """What becomes of a request."""

    ADMITTED = 200
    UNKNOWN = 401
    FORBIDDEN = 403


class ApiGuard:
    """Knows the tokens. They may be replaced while requests come in."""

    def __init__(self, settings: HttpSettings) -> None:
        """Read the tokens.

        Raises:
            ConfigurationError: One of them cannot be read.
        """
        self._settings = settings
        self._tokens: dict[ApiScope, Secret] = {}
        self.reload()

    @property
    def is_on(self) -> bool:
        """Whether there is a token at all; without one, nobody is let in."""
        return bool(self._tokens)

    def reload(self) -> None:
        """Read the tokens anew.

        Raises:
            ConfigurationError: One of them cannot be read; those that were in force stay.
        """
        chosen = self._settings
        read = read_secret("http.api_read_token", chosen.api_read_token, chosen.api_read_token_file)
        write = read_secret("http.api_write_token", chosen.api_write_token, chosen.api_write_token_file)
        found = ((ApiScope.READ, read), (ApiScope.WRITE, write))
        self._tokens = {scope: token for scope, token in found if token is not None}

    def admission(self, headers: Mapping[str, str], needed: ApiScope) -> Admission:
        """Whether the request bears a token that is good for it."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        bearer = Secret(given.strip())
        borne = {scope for scope, token in self._tokens.items() if bearer == token}
        if scheme.lower() != "bearer" or not borne:
            return Admission.UNKNOWN
        is_enough = needed is ApiScope.READ or ApiScope.WRITE in borne
        return Admission.ADMITTED if is_enough else Admission.FORBIDDEN
