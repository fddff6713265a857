"""Every error knows how the command ends."""

from __future__ import annotations

import signal

import pytest

from pipeline import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.WhystuckError("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.ConfigurationError("x"), 2),
        (errors.RuleError("x"), 2),
        (errors.InputError("x"), 1),
        (errors.SourceError("x"), 1),
        (errors.SourceRefusedError("x"), 2),
        (errors.TimeLimitError("x"), 124),
        (errors.InterruptionError(signal.SIGINT), 130),
        (errors.InterruptionError(signal.SIGTERM), 143),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_code(error: errors.WhystuckError, code: int) -> None:
    """The exit code is that of the documentation."""
    assert code == error.exit_code


def test_tree_in_the_docstring_is_complete() -> None:
    """Whoever adds an error adds it to the drawing."""
    names = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]

    assert [] == [name for name in names if name not in (errors.__doc__ or "")]
