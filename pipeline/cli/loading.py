"""What several commands load first: the configuration, and the rules in force."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsers.rules.model import RuleSet
    from pipeline.config import Configuration


def load(
    config: Path | None, rules: Sequence[str] | None, flags: Mapping[str, str | None] | None = None
) -> tuple[Configuration, RuleSet]:
    """The configuration in force, and the rules that it and the command line name.

    Raises:
        ConfigurationError: The configuration, a variable or a flag is wrong.
        RuleError: A rule file cannot be read or used.
    """
    files = os.pathsep.join(rules) if rules else None
    settings = load_settings(config, {**(flags or {}), "rules": files})
    return settings, load_rule_files([Path(file) for file in settings.rules])


def load_settings(config: Path | None, flags: Mapping[str, str | None] | None = None) -> Configuration:
    """The configuration in force, for commands that need no rules.

    Raises:
        ConfigurationError: The configuration, a variable or a flag is wrong.
    """
    from pipeline.config import load_configuration

    return load_configuration(config, os.environ, flags)


def load_rule_files(files: Sequence[Path]) -> RuleSet:
    """The built-in rules and those of some files.

    Raises:
        RuleError: A file cannot be read, or a rule in it cannot be used: one line for each fault, with its place.
    """
    from parsers.rules.loader import load_rules
    from pipeline.errors import RuleError

    if not files:
        return load_rules()
    from parsers.rules.user_file import RuleFileError

    try:
        return load_rules(files)
    except RuleFileError as error:
        raise RuleError(str(error)) from error
    except OSError as error:
        path = error.filename or ", ".join(map(str, files))
        raise RuleError(f"{path}: cannot read the rules: {error.strerror or error}; check the path") from error
