"""Where things stand in a rule file: tomllib gives values without their lines."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)


class RulePlaces:
    """Lines and columns of rules and their keys, both from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [match.start() for match in _HEADER.finditer(text)]

    def of_key(self, number: int, key: str) -> tuple[int, int]:
        """Place of a key of the rule with this number, from 1; of the rule's header if the key is not there."""
        begin, end = self._block(number)
        found = re.compile(rf"^[ \t]*(?=[\"']?{re.escape(key)}[\"']?[ \t]*=)", re.MULTILINE).search(
            self._text, begin, end
        )
        return self._place(found.end() if found and key else begin)

    def of_pattern(self, number: int, pattern: str, position: int) -> tuple[int, int]:
        """Place of a character of the rule's pattern; of its key where escapes hide the character."""
        begin, end = self._block(number)
        offset = self._text.find(pattern, begin, end)
        return self.of_key(number, "pattern") if offset < 0 else self._place(offset + position)

    def _block(self, number: int) -> tuple[int, int]:
        """Offsets of a rule; number 0 is what stands before the first one."""
        if not 0 < number <= len(self._starts):
            return 0, len(self._text)
        begin = self._starts[number - 1]
        return begin, self._starts[number] if number < len(self._starts) else len(self._text)

    def _place(self, offset: int) -> tuple[int, int]:
        line_start = self._text.rfind("\n", 0, offset) + 1
        return self._text.count("\n", 0, offset) + 1, offset - line_start + 1
