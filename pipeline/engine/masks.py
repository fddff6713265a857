"""Texts with their variable parts taken out, so that repetitions of one message are equal.

What varies between two repetitions is masked: times, addresses, quantities, numbers, UUIDs, hashes, the suffixes of
ReplicaSets and pods, and the key's own namespace and name. What may tell two causes apart stays: names of other
objects, and all words.
"""

from __future__ import annotations

import re
from functools import lru_cache

from parsers.events import ObjectKey

MASK = "#"
MAX_CHARS = 2_000
"""As much as is kept of a failure that no rule knows."""

_WORD = re.compile(r"(?<!\S)[^\s\d]*+\d\S*")
"""A word with a digit: nothing else varies. Most words have none, and to see that is cheap."""
_VARIABLE = re.compile(
    r"""
      \d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?              # a time
    | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}                               # a UUID
    | \b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?::\d{1,5})?                                  # an IPv4 address
    | (?<![\w:.])\[?(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])\]?(?::\d{1,5})?     # IPv6, or 15:04:05
    | (?<=-)(?=[4-9bcdf]{0,9}\d)[4-9bcdf]{5,10}(?:-[bcdfghj-np-tv-z2456789]{5})?(?![A-Za-z0-9])  # ReplicaSet, its pod
    | (?<![A-Za-z0-9.])(?:\d{1,12}(?:\.\d{1,12})?(?:ns|[µu]s|ms|[smhd]))+(?![A-Za-z0-9])     # a duration
    | (?<![A-Za-z0-9.])\d{1,20}(?:\.\d{1,12})?(?:[KMGTPE]i?B?|[nmk]|%)(?![A-Za-z0-9])       # a quantity
    | (?:0x)?[0-9a-f]{8,}
    | \d+(?:\.\d+)?
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=2_048)
def template_of(text: str) -> str:
    """The text with its variable parts masked."""
    return _WORD.sub(_mask_variables, text[:MAX_CHARS])


def _mask_variables(word: re.Match[str]) -> str:
    return _VARIABLE.sub(MASK, word[0])


def template_for(text: str, key: ObjectKey | None) -> str:
    """The text with its variable parts and the names of its own key masked: equal for the same trouble of two keys."""
    if key is not None:
        text = _mask_namespace(_mask_word(text, key.name), key.namespace)
    return template_of(text)


def _mask_word(text: str, word: str) -> str:
    """The text with a name masked where it stands alone, or before or after a dash as in `name-canary`."""
    begin = text.find(word)
    while begin >= 0:
        end = begin + len(word)
        if _is_border(text, begin - 1) and _is_border(text, end):
            text = f"{text[:begin]}{MASK}{text[end:]}"
            end = begin + len(MASK)
        begin = text.find(word, end)
    return text


def _is_border(text: str, index: int) -> bool:
    return not 0 <= index < len(text) or not text[index].isalnum()


_BEFORE_NAMESPACE = ('"', "'", "/", "=", "namespace ", "namespace: ", ".")
_AFTER_NAMESPACE = ('"', "'", "/", "\\", ".svc", " ", ",", ":", ")")


def _mask_namespace(text: str, namespace: str) -> str:
    """The text with a namespace masked where it is certainly meant as one: it is a common word often enough."""
    begin = text.find(namespace)
    while begin >= 0:
        end = begin + len(namespace)
        before, after = text[:begin], text[end:]
        is_path = after.startswith("/") and _is_border(text, begin - 1)
        is_named = before.endswith(_BEFORE_NAMESPACE) and (not after or after.startswith(_AFTER_NAMESPACE))
        if is_path or is_named:
            text = f"{before}{MASK}{after}"
            end = begin + len(MASK)
        begin = text.find(namespace, end)
    return text
