"""Matchers, as Alertmanager writes them: `severity="critical"`, `class=~"tls.+"`, `namespace!="staging"`.

Some labels of an incident have several values, as `namespace`. A matcher of a route is asked whether any of them
matches; that of a silence whether all do, so that a silence for staging never hides production.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import regex

from pipeline.errors import ConfigurationError

_TEXT = regex.compile(
    r"""\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_.-]*)\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>.*?)\s*""", regex.S
)
MAX_CHARS = 1000
_TIME_OUT_SECONDS = 0.1
Labels = Mapping[str, Sequence[str]]


class Matcher(msgspec.Struct, frozen=True):
    """One condition."""

    name: str
    operator: str
    value: str

    @property
    def is_negative(self) -> bool:
        """Whether it excludes."""
        return self.operator in ("!=", "!~")

    def __str__(self) -> str:
        quoted = msgspec.json.encode(self.value).decode()
        return f"{self.name}{self.operator}{quoted}"

    def fits(self, value: str) -> bool:
        """Whether one value is what the matcher names, negative or not. A pattern that takes too long fits nothing."""
        if self.operator in ("=", "!="):
            return value == self.value
        try:
            return regex.fullmatch(self.value, value, timeout=_TIME_OUT_SECONDS) is not None
        except TimeoutError:
            return False


def parse_matcher(text: str) -> Matcher:
    """The matcher that a text is.

    Raises:
        ConfigurationError: It is none, or its pattern is none.
    """
    found = _TEXT.fullmatch(text) if len(text) <= MAX_CHARS else None
    if found is None:
        raise ConfigurationError(f'{text[:60]!r} is no matcher: write name="value", name!="…", name=~"…" or name!~"…"')
    value = found["value"]
    if value.startswith('"'):
        try:
            value = msgspec.json.decode(value, type=str)
        except msgspec.DecodeError:
            try:
                value = msgspec.json.decode(value.replace("\\", "\\\\"), type=str)  # a pattern as people write it
            except msgspec.DecodeError as error:
                raise ConfigurationError(f"{text[:60]!r}: the quotes around the value do not fit") from error
    matcher = Matcher(found["name"], found["operator"], value)
    if matcher.operator.endswith("~"):
        try:
            regex.compile(value)
        except regex.error as error:
            raise ConfigurationError(f"{text[:60]!r}: no regular expression: {error}") from error
    return matcher


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """All of them.

    Raises:
        ConfigurationError: One of them is none.
    """
    return tuple(map(parse_matcher, texts))


def matches_some(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether each matcher holds for at least one value of its label."""
    return all(_holds_for_some(matcher, _values(matcher, labels)) for matcher in matchers)


def matches_all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether each matcher holds for every value of its label."""
    return all(_holds_for_all(matcher, _values(matcher, labels)) for matcher in matchers)


def _values(matcher: Matcher, labels: Labels) -> Sequence[str]:
    return labels.get(matcher.name) or ("",)  # what is not there is empty, as with Alertmanager


def _holds_for_some(matcher: Matcher, values: Sequence[str]) -> bool:
    fits = any(map(matcher.fits, values))
    return not fits if matcher.is_negative else fits


def _holds_for_all(matcher: Matcher, values: Sequence[str]) -> bool:
    return all(matcher.fits(value) is not matcher.is_negative for value in values)
