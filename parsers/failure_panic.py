"""Where a Go program panicked: the topmost function of its own on the stack."""

from __future__ import annotations

import re

_CALL = re.compile(r"^(?P<function>[\w./*()\[\]~@%-]{1,400}?)\((?:[^()\s]|, |\.\.\.){0,400}\)?$")
_SKIPPED = (
    "runtime.",
    "runtime/",
    "panic",
    "reflect.",
    "testing.",
    "created by",
    "k8s.io/apimachinery/pkg/util/runtime",
)
_WRAPPERS = re.compile(r"\b(?:processNextWorkItem|runWorker|HandleCrash|recover\w*|debug\.Stack)\b")
_SHORT = re.compile(
    r"\.(?:\(\*?\w+(?:\[[^\]]*\])?\)\.)?(?P<name>[A-Za-z_]\w*)(?:\[\.\.\.\])?(?:[.-](?:func\d+|\w*\d+))*$"
)
_MAX_LINES = 200


def find_location(stack: str) -> str | None:
    """Short name of the function that panicked, as `reconcileBlueGreenPause`; None where the stack does not say."""
    functions: list[str] = []
    for line in stack.split("\n")[:_MAX_LINES]:
        call = _CALL.match(line.strip())
        if call is None:
            continue
        function = call["function"]
        if function == "panic" or function.endswith("runtime.gopanic"):
            functions.clear()  # what stands above are the deferred calls that recover and print
        elif not function.startswith(_SKIPPED) and not _WRAPPERS.search(function):
            functions.append(function)
    for function in functions:
        if short := _SHORT.search(function):
            return short["name"]
    return None
