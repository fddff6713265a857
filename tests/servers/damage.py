"""What a failing disk does to a broker's files."""

from __future__ import annotations

from pathlib import Path

import crc32c


def damage_batch(directory: Path, offset: int, *, is_checksum_right: bool) -> tuple[int, int]:
    """Damage the batch that holds the offset in the broker's own file; gives its first and last offset."""
    file = directory / "00000000000000000000.log"
    raw = bytearray(file.read_bytes())
    at = 0
    while True:
        base, length = int.from_bytes(raw[at : at + 8], "big"), int.from_bytes(raw[at + 8 : at + 12], "big")
        last = base + int.from_bytes(raw[at + 23 : at + 27], "big")
        end = at + 12 + length
        if base <= offset <= last:
            break
        at = end
    raw[end - 40 : end - 20] = b"\xee" * 20
    if is_checksum_right:
        raw[at + 17 : at + 21] = crc32c.crc32c(bytes(raw[at + 21 : end])).to_bytes(4, "big")
    with file.open("r+b") as log:
        log.seek(at)
        log.write(raw[at:end])
    return base, last
