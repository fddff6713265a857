"""Makes a failure's text fit for the rules: capped, unfolded, unescaped, and what is data taken out.

A tenant can write text into an object, and the API server repeats it: behind `denied the request:`, and as the
quoted value of a refused field. Such text is replaced before any rule sees it, so that nobody can forge a cause.
"""

from __future__ import annotations

import re

import msgspec

from parsers.redaction import redact

MAX_SEARCHED_CHARS = 65_536
KEPT_TAIL_CHARS = 8_192
"""Of a longer text the end is kept too: the deepest cause stands at the end."""

HIDDEN = "\u2026"

# Runs of backslashes are entered at their first one only: else a long run takes time of its length squared.
_VALUE = re.compile(
    r"""(?:(?:nvalid|nsupported|uplicate)\ value:\ |Object\ 'Kind'\ is\ missing\ in\ |unknown\ field\ )
        (?:(?P<slashes>\\{0,63}+)(?P<quote>["'])|(?=[\w.\[\]*/]{0,80}[{\[]))""",
    re.VERBOSE,
)
_SLASHES_AND_QUOTE = re.compile(r"(?<!\\)\\*+[\"']")
_QUOTE_OR_BRACKET = re.compile(r"(?<!\\)\\*+\"|[{}\[\]]")
_ESCAPED_QUOTE = re.compile(r"(?<!\\)\\++([\"'/])")
_ESCAPED_BREAK = re.compile(r"(?<!\\)\\++(?:n(?:\s|\\++t)*+|[tr])")
_ESCAPED_SIGN = re.compile(r"(?<!\\)\\++u00(2[267]|3[ceCE])")
"""What encoders escape for the sake of HTML: quotation marks, ampersand and angle brackets."""
_FOLD = re.compile(r"[ \t]*\\?\r?\n[\s|]*|[ \t]{2,}|\t")
_LINK = re.compile(r"\[([^\[\]\s]{1,300})\]\(https?://[^()\s]{1,300}\)")
_DENIED = re.compile(r"denied the request(?::|\b(?! was))|['\"] denied request(?::|\b)")
_STACK = re.compile(r"goroutine \d{1,12} \[")


class FailureText(msgspec.Struct, frozen=True):
    """A text in the form that rules search, and the forms that are kept."""

    searched: str  # one line, escapes gone, data hidden, ends where data begins
    shown: str  # the same with the data, redacted
    reason: str  # the part of `shown` behind `denied the request:`
    stack: str  # what follows `goroutine N [`, with its line feeds


def prepare_text(text: str) -> FailureText:
    """Cap, hide data, unescape, unfold, cut, redact: in this order, as escapes tell where quoted data ends."""
    if len(text) > MAX_SEARCHED_CHARS:
        text = f"{text[: MAX_SEARCHED_CHARS - KEPT_TAIL_CHARS]}{HIDDEN}{text[-KEPT_TAIL_CHARS:]}"
    searched = _hide_values(text)
    has_breaks = "\\" in text or "\n" in text
    unescaped = _unescape(searched) if has_breaks else searched
    stack = ""
    if "goroutine " in unescaped and (begin := _STACK.search(unescaped)):
        stack, unescaped = unescaped[begin.start() :], unescaped[: begin.start()]
    searched = _unfold(unescaped)
    searched = redact(searched)
    if "denied " in searched and (denied := _DENIED.search(searched)):
        searched = searched[: denied.end()]
    shown = searched if searched == text else redact(_unfold(_unescape(text)))
    given = _DENIED.search(shown) if "denied " in shown else None
    return FailureText(searched, shown, shown[given.end() :] if given is not None else "", stack)


def _unescape(text: str) -> str:
    """Quotes and line feeds that were escaped once or more, as they were."""
    if "\\" not in text:
        return text
    text = _ESCAPED_QUOTE.sub(r"\1", _ESCAPED_BREAK.sub("\n", text))
    if "u00" not in text:
        return text
    return _ESCAPED_SIGN.sub(lambda match: chr(int(match[1], 16)), text)


def _unfold(text: str) -> str:
    """One line, single blanks, the text of markdown links alone."""
    if "](http" in text:
        text = _LINK.sub(r"\1", text)
    if "\n" in text or "\t" in text or "  " in text:
        text = _FOLD.sub(" ", text)
    return text.strip()


def _hide_values(text: str) -> str:
    """Values of refused fields, replaced by an ellipsis between their quotes or brackets."""
    if "alue: " not in text and "is missing in " not in text and "unknown field " not in text:
        return text
    parts: list[str] = []
    position = 0
    while match := _VALUE.search(text, position):
        begin = match.end()
        end = _end_of_quoted(text, match) if match["quote"] else _end_of_brackets(text, begin)
        parts += (text[position:begin], HIDDEN)
        position = end
    return "".join((*parts, text[position:])) if parts else text


def _end_of_quoted(text: str, opening: re.Match[str]) -> int:
    """Where the string ends that was opened by this quote."""
    unit = len(opening["slashes"]) + 1
    for match in _SLASHES_AND_QUOTE.finditer(text, opening.end()):
        if match[0][-1] == opening["quote"] and _closes(len(match[0]), unit):
            return match.start()
    return len(text)


def _closes(length: int, unit: int) -> bool:
    """Whether a quote with its backslashes, so long in all, ends a string that a quote of `unit` opened.

    Go's %q doubles what it escapes, and so does every layer of JSON or logfmt around it: at depth d a delimiter
    is 2^d long, and 2^d (m + 1) where m backslashes stood before it at depth 0. An even m ends the string.
    """
    count, rest = divmod(length, unit)
    return rest == 0 and count % 2 == 1


def _end_of_brackets(text: str, begin: int) -> int:
    """Where a Go or JSON value ends: at the bracket that closes the first one; brackets in strings do not count."""
    depth = 0
    unit = 0  # length of the quote that opened the string we are in; 0 outside of strings
    for match in _QUOTE_OR_BRACKET.finditer(text, begin):
        if match[0].endswith('"'):
            if unit == 0:
                unit = len(match[0])
            elif _closes(len(match[0]), unit):
                unit = 0
        elif unit == 0:
            depth += 1 if match[0] in "{[" else -1
            follows = text[match.end() : match.end() + 1]
            if depth <= 0 and follows not in {"{", "[", "s", "i", "*"}:
                return match.end()
    return len(text)
