"""Secrets among the settings: they come from the environment or from a file of their own, and print as a mark.

A secret `password` has a second setting `password_file` beside it, which holds the path of a file with the secret.
"""

from __future__ import annotations

import hmac
import re
from pathlib import Path

from parsers.redaction import redact
from pipeline.errors import ConfigurationError

MAX_SECRET_BYTES = 65_536
"""A longer file was given by mistake: no token or password is."""
HIDDEN = "[hidden]"
"""What is shown in place of a secret."""

_SECRET_NAME = re.compile(
    r"(?i)(?:password|passwd|passphrase|token|secret|credentials?|authorization|api_?key|private_?key)$"
)
_USER_OF_URL = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^\s/@:]*:\S*@|(https?://)[^\s/@]+@")

_ORIGIN = re.compile(
    r"""(?P<scheme>https?://|socks5h?://)
    (?:[^\s/?#@]*@)?
    (?P<host>(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?)
    (?=[/?#]|$)""",
    re.VERBOSE,
)


class Secret:
    """A text that nobody is to see: only `reveal` gives it away, at the place where it is sent or compared."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        """Compared in constant time, so that an answer's delay tells nothing."""
        return isinstance(other, Secret) and hmac.compare_digest(_bytes_of(self._text), _bytes_of(other._text))

    def __hash__(self) -> int:
        return hash(self._text)


class SecretAddress(Secret):
    """A URL that may hold a secret, in its path or beside its host: it shows scheme, host and port only.

    Unlike other secrets it may stand in the configuration file, as most addresses hold none.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return shown_address(self.reveal())


def read_secret(setting: str, value: Secret | None, file: str | None) -> Secret | None:
    """The secret in force: the one that was set itself, else the one in its file; None: neither is set.

    Blanks and line breaks around the content of a file are not part of the secret: editors add them. The file is read
    at each call: a secret that was changed is in force from the next one on.

    Args:
        setting: Path of the setting, as in `http.token`.
        value: What the environment says.
        file: Path of the file, from the setting of the same name with `_file` behind it.

    Raises:
        ConfigurationError: The file cannot be read, is empty, too large, or no text.
    """
    if value is not None or file is None:
        return value
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise _unusable(setting, file, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_SECRET_BYTES:
        raise _unusable(setting, file, f"is larger than {MAX_SECRET_BYTES} bytes: not a secret")
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        # Without the cause: it would show bytes of the secret.
        raise _unusable(setting, file, "is not UTF-8 text") from None
    if not text or not text.isprintable():
        raise _unusable(setting, file, "is empty" if not text else "holds more than one line, or control characters")
    return Secret(text)


def is_secret_name(name: str) -> bool:
    """Whether what bears this name is a secret, whatever its type: `sasl_password`, but not `password_file`."""
    return _SECRET_NAME.search(name) is not None


def shown_address(text: str) -> str:
    """Scheme, host and port of a URL: what may be shown of it."""
    found = _ORIGIN.match(text)
    return HIDDEN if found is None else f"{found['scheme']}{found['host']}/{HIDDEN}"


def hide_secrets(text: str) -> str:
    """The text without what is known as a secret by its shape, and without passwords and tokens of addresses."""
    return redact(_USER_OF_URL.sub(rf"\1\2{HIDDEN}@", text))


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _unusable(setting: str, file: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{setting}_file: {file} {why}")
