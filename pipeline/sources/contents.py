"""Tells by its first bytes what a decompressed, decoded file holds."""

from __future__ import annotations

import tarfile

from pipeline.sources.journal import SkipReason

_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
"""Bytes that text does not hold. The escape is text: coloured logs are full of it."""

_NON_TEXT_SHARE = 0.05
"""Logs hold some raw bytes (a dumped request, a NUL hole); random bytes are wrong in more than half of all places."""

_FOREIGN_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x9d", "compressed with compress (.Z)"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy"),
    (b"\x02\x21\x4c\x18", "compressed with the old lz4 format"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"LZIP", "compressed with lzip"),
    (b"LPKSHHRH", "a binary systemd journal (use journalctl -o json)"),
)


def find_skip_reason(head: bytes) -> SkipReason | None:
    """Return why a file that begins with `head` (UTF-8) is no log, or None."""
    if not head:
        return SkipReason.EMPTY
    if is_binary(head):
        return SkipReason.BINARY
    return None


def is_binary(head: bytes) -> bool:
    """Return whether `head` is mostly something else than text."""
    if describe_foreign_format(head):
        return True
    control_count = len(head) - len(head.translate(None, _CONTROLS))
    # A character may be cut at the end of the head: a wrong byte or two do not matter.
    wrong_count = 0 if head.isascii() else head.decode(errors="replace").count("\ufffd")
    return control_count + wrong_count > 2 + len(head) * _NON_TEXT_SHARE


def describe_foreign_format(head: bytes) -> str:
    """Name a format that is recognised but not read; empty where there is none."""
    return next((name for magic, name in _FOREIGN_FORMATS if head.startswith(magic)), "")


def is_tar(head: bytes) -> bool:
    """Return whether `head` begins with a tar header: its checksum is right, even where the format's mark lacks."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:
        header = tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return bool(header.name)


def is_zip(head: bytes) -> bool:
    """Return whether `head` begins like a zip archive, perhaps an empty or a split one."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))
