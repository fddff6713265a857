"""Records that were broken over lines are one again, wherever the break fell and whichever line is found first."""

from __future__ import annotations

import textwrap

import pytest

from parsers.broken_lines import join, lines_of_record

LOGFMT = (
    r'time="2026-03-01T10:00:00Z" level=error msg="rollout syncHandler error: conversion webhook for meshes.dev/v2, '
    r"Kind=Route failed: Post \"https://mesh.mesh.svc:443/convert?timeout=30s\": x509: certificate has expired or is "
    r'not yet valid" namespace=shop rollout=cart'
)
JSON = (
    r'{"level":"error","msg":"rollout syncHandler error: failed calling webhook \"check.guard.dev\": failed to call '
    r'webhook: Post \"https://guard.guard.svc:443/check\": EOF","namespace":"shop","rollout":"cart","time":'
    r'"2026-03-01T10:00:00Z"}'
)
KLOG = (
    'E0301 10:00:00.000000       1 controller.go:174] "Unhandled Error" err="failed calling webhook '
    r'\"check.guard.dev\": failed to call webhook: Post \"https://guard.guard.svc:443/check\": EOF" logger="x"'
)
RECORDS = {
    "logfmt": LOGFMT,
    "json": JSON,
    "klog": KLOG,
    "stern": f"ctl-7d-x main {LOGFMT}",
    "docker": '{"log":' + JSON[7:] + "}",
}

OTHER = LOGFMT.replace("cart", "checkout").replace("Route", "HTTPRoute")


def _broken(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


def _folded(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _whole_from_each_line(lines: list[str], neighbour: list[str]) -> set[str]:
    """What comes out when each line in turn is the one that was found, behind a record that was broken like it."""
    before, after = "\n".join([*neighbour, ""]).encode(), b'\ntime="2026-03-01T10:00:01Z" level=info msg=b\n'
    data = before + "\n".join(lines).encode() + after
    found, start = set(), len(before)
    for line in lines:
        span = lines_of_record(data, start, start + len(line.encode()), 0)
        found.add(join(data, *span).decode())
        start += len(line.encode()) + 1
    return found


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", RECORDS)
def test_record_broken_in_mid_word_is_whole(name: str, width: int) -> None:
    """As a terminal breaks it."""
    assert {RECORDS[name]} == _whole_from_each_line(_broken(RECORDS[name], width), _broken(OTHER, width))


@pytest.mark.parametrize("indent", ["", "    "])
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["logfmt", "klog", "stern"])
def test_record_broken_at_blanks_is_whole(name: str, width: int, indent: str) -> None:
    """As a mail program breaks it; blanks in a row become one."""
    found = _whole_from_each_line(_folded(RECORDS[name], width, indent), _folded(OTHER, width, indent))
    assert {" ".join(RECORDS[name].split())} == {" ".join(one.split()) for one in found}


ALONE = {
    "a stack behind a whole record": (LOGFMT, "goroutine 1 [running]:"),
    "prose behind a whole record": (JSON, "and so on"),
    "a record that was cut": (LOGFMT[:150], LOGFMT),
    "prose": ("x509: certificate has expired", "said the server"),
    "a blank line ends it": (LOGFMT[:150], ""),
}


@pytest.mark.parametrize("lines", ALONE.values(), ids=ALONE)
def test_what_is_no_part_of_a_record_stays_out(lines: tuple[str, str]) -> None:
    """A line that is whole, a record that was cut, and text that is none."""
    first = len(lines[0].encode())
    assert (0, first) == lines_of_record("\n".join(lines).encode() + b"\n", 0, first, 0)
