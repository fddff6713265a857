"""The chain of a failure: its text split at the wrappers that rules know, outermost first."""

from __future__ import annotations

from collections.abc import Sequence

from parsers.failure_context import Match

MAX_LINKS = 8
MAX_LINK_CHARS = 300
_CUT_MARK = " \u2026 "


def cap_middle(text: str, limit: int) -> str:
    """The text, cut in the middle if it is longer: the wrapper stands at its head, the cause at its tail."""
    if len(text) <= limit:
        return text
    kept = limit - len(_CUT_MARK)
    return f"{text[: kept - kept // 2]}{_CUT_MARK}{text[-(kept // 2) :]}"


def build_chain(text: str, cause: Match, matches: Sequence[Match], reason: str = "") -> tuple[str, ...]:
    """Links from the outermost wrapper to the deepest cause, each and all of them capped.

    `reason` is what a webhook that denied gives as its reason: somebody's own words, shown and never looked into.
    """
    starts = sorted({0, *(match.start for match in matches if match.start < cause.start), cause.start})
    ends = [*starts[1:], max(cause.end, starts[-1])]
    links = [_link(text[start:end]) for start, end in zip(starts, ends, strict=True)]
    links = [link for link in (*links, cap_middle(reason.strip(" :"), MAX_LINK_CHARS)) if link]
    if len(links) > MAX_LINKS:
        links = [*links[: MAX_LINKS // 2], *links[-(MAX_LINKS // 2) :]]
    return tuple(links)


def _link(text: str) -> str:
    """One link: without the colons and brackets that join it to its neighbours, and without half a pair of quotes."""
    text = text.strip(" :,([")
    for quote in "\"'":
        if text.count(quote) % 2:
            text = text.strip(f" :,([{quote}")
    return cap_middle(text, MAX_LINK_CHARS)
