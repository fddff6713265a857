"""Drafts of rules for errors that no rule knows: a template becomes a pattern, its samples the samples of the rule.

A draft loads at once and recognises what it was made of. What an error means only a person knows: that stands in it
as TODO.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from parsers.failure_text import prepare_text
from parsers.redaction import MARK as REDACTED
from parsers.rules.user_file import ESCAPED_CHARACTERS, MIN_LITERAL_CHARS
from pipeline.engine.masks import MASK
from pipeline.templates import WILDCARD, Template

MAX_PATTERN_TOKENS = 60
"""A longer text is recognised by its beginning."""
MIN_FIXED_CHARS = 12
"""A template with fewer letters that always stand so would match anything."""
MAX_LITERAL_CHARS = 60

_PART = r"\S{0,200}?"  # within a word
_WORD = r"\S{1,200}"
_PSEUDONYM = re.compile(r"\b[a-z]{2,20}-\d+\b")
"""Digits of the log itself are masked in a template: what has any stands for a name that is not shown."""
_UNFIT = re.compile(rf"[^\x20-\x7e]|[{re.escape(ESCAPED_CHARACTERS)}]")
_SLUG_WORD = re.compile(r"[a-z]{3,20}")
_LETTERS = re.compile("[A-Za-z]{3}")
_FILLING = frozenset({"the", "and", "for", "with", "from", "that", "not", "was", "has", "error", "failed"})


class Draft(msgspec.Struct, frozen=True):
    """A rule that nobody has looked at yet."""

    id: str
    pattern: str
    literal: str
    samples: tuple[str, ...]
    template: Template


class Suggestions(msgspec.Struct, frozen=True):
    """The drafts, and the templates that are too general or too short for one."""

    drafts: tuple[Draft, ...]
    left_out: tuple[Template, ...]


def suggest_rules(templates: Iterable[Template], taken_ids: Collection[str] = ()) -> Suggestions:
    """A draft for each template that can have one."""
    ids = set(taken_ids)
    drafts: list[Draft] = []
    left_out: list[Template] = []
    for template in templates:
        draft = _draft(template, ids)
        if draft is None:
            left_out.append(template)
        else:
            ids.add(draft.id)
            drafts.append(draft)
    return Suggestions(tuple(drafts), tuple(left_out))


def _draft(template: Template, ids: Collection[str]) -> Draft | None:
    raws = [sample.text for sample in template.samples]
    samples = tuple(dict.fromkeys(prepare_text(raw).searched for raw in raws))
    text = prepare_text(template.template).searched.replace(REDACTED, WILDCARD)
    tokens = _PSEUDONYM.sub(WILDCARD, text).split()[:MAX_PATTERN_TOKENS]
    fixed = "".join(tokens).replace(WILDCARD, "").replace(MASK, "")
    if sum(map(str.isalpha, fixed)) < MIN_FIXED_CHARS:
        return None
    literal = _literal(tokens, [*samples, *raws])
    pattern = _pattern(tokens)
    if literal is None or not all(re.search(pattern, sample, re.VERBOSE) for sample in samples):
        return None
    return Draft(_free_id(tokens, ids), pattern, literal, samples, template)


def _pattern(tokens: Sequence[str]) -> str:
    """Words as they are, what differs as a named group, blanks of any kind between them."""
    number = 0
    parts: list[str] = []
    for token in tokens:
        pieces = [piece for piece in re.split(rf"({re.escape(WILDCARD)}|{MASK}+)", token) if piece]
        for index, piece in enumerate(pieces):
            if piece == WILDCARD or not piece.strip(MASK):
                number += 1
                wanted = _WORD if index == len(pieces) - 1 else _PART  # a lazy group at an end would match nothing
                pieces[index] = f"(?P<value_{number}>{wanted})"
            else:
                pieces[index] = re.escape(piece)
        parts.append("".join(pieces))
    return r"\s{1,8}".join(parts)


def _literal(tokens: Sequence[str], texts: Sequence[str]) -> str | None:
    """The longest text that stands in every sample as it is, raw and read; None where there is none."""
    pieces = re.split(rf"{re.escape(WILDCARD)}|{MASK}+", " ".join(tokens))
    parts = [part for piece in pieces for part in _UNFIT.split(piece)]
    found = [literal for part in parts if (literal := _longest_run(part.split(), texts)) is not None]
    return max(found, key=len, default=None)


def _longest_run(words: Sequence[str], texts: Sequence[str]) -> str | None:
    """The longest run of words that is a literal of all texts; line breaks may stand between any two of them."""
    for size in range(len(words), 0, -1):
        for begin in range(len(words) - size + 1):
            run = " ".join(words[begin : begin + size])
            is_fit = MIN_LITERAL_CHARS <= len(run) <= MAX_LITERAL_CHARS and _LETTERS.search(run)
            if is_fit and all(run in text for text in texts):
                return run
    return None


def _free_id(tokens: Sequence[str], ids: Collection[str]) -> str:
    words = _SLUG_WORD.findall(" ".join(token for token in tokens if WILDCARD not in token).lower())
    telling = [word for word in words if word not in _FILLING] or words
    slug = "todo-" + "-".join(telling[:4])
    number = 1
    while (found := slug if number == 1 else f"{slug}-{number}") in ids:
        number += 1
    return found
