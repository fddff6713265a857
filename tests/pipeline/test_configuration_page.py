"""The page docs/configuration.md and the JSON Schema say what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from msgspec import inspect

from pipeline.config import Configuration, environment_name, is_secret, load_configuration, settings
from pipeline.config_schema import configuration_schema
from pipeline.delivery.receiver_settings import HeaderSettings, ReceiverSettings
from pipeline.engine.settings import RuleOverride
from pipeline.errors import ConfigurationError
from pipeline.quantities import parse_duration, parse_size
from pipeline.secret import is_secret_name
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.watch_settings import OriginPattern

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([^`]+)` \| `?([^`|]+?)`? \|", PAGE, re.MULTILINE))
EXAMPLE = PAGE.split("```yaml\n")[1].split("```")[0]


KAFKA = KafkaSettings(bootstrap_servers=())
"""The one section that nobody has to have, with what it has by default."""


def _documented() -> Iterator[tuple[str, object]]:
    """Every setting and its default."""
    for setting in settings():
        value: Any = Configuration()
        for name in setting.split("."):
            value = KAFKA if value is None and setting.startswith("kafka.") else value
            value = getattr(value, name)
        yield setting, value
    for field in msgspec.structs.fields(RuleOverride):
        yield f"engine.overrides[].{field.name}", "required" if field.required else field.default
    for field in msgspec.structs.fields(OriginPattern):
        yield f"watch.controllers[].{field.name}", field.default
    for section, prefix in (
        (ReceiverSettings, "delivery.receivers[]"),
        (HeaderSettings, "delivery.receivers[].headers[]"),
    ):
        for field in msgspec.structs.fields(section):
            yield f"{prefix}.{field.name}", "required" if field.required else field.default


def _read_cell(setting: str, cell: str) -> object:
    if cell == "none":
        return cell
    if setting.endswith("_seconds"):
        return parse_duration(cell)
    if setting.endswith("_bytes"):
        return parse_size(cell)
    if cell in ("true", "false"):
        return cell == "true"
    return int(cell.replace("_", "")) if re.fullmatch(r"[\d_]+", cell) else cell


@pytest.mark.parametrize(("setting", "default"), [pytest.param(*each, id=each[0]) for each in _documented()])
def test_page_has_the_setting_and_its_default(setting: str, default: object) -> None:
    """A setting that is not on the page, or has another default there, fails."""
    plain = default.value if isinstance(default, Enum) else default
    assert (plain if isinstance(plain, bool) else plain or "none") == _read_cell(setting, ROWS[setting])


def test_page_has_no_setting_that_is_gone() -> None:
    """A row of the page is a setting of the code."""
    assert {setting for setting, _ in _documented()} == ROWS.keys()


def test_example_of_the_page_is_read(tmp_path: Path) -> None:
    """The example works as it stands, and the schema accepts it."""
    path = tmp_path / "whystuck.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    configuration = load_configuration(path, {})
    assert "eu-1" == configuration.cluster
    assert 500 == configuration.engine.overrides[0].rule.retries
    jsonschema.validate(yaml.safe_load(EXAMPLE), configuration_schema())


@pytest.mark.parametrize("complaint", re.findall(r"^whystuck\.yaml:\d+:\d+: (.*)", PAGE, re.MULTILINE))
def test_complaints_of_the_page_are_real(tmp_path: Path, complaint: str) -> None:
    """The words on the page are the words of the command."""
    path = tmp_path / "whystuck.yaml"
    name, value = ("failing_secs", "1s") if "failing_secs:" in complaint else ("failing_seconds", "5 parsecs")
    path.write_text(f"engine:\n  runaway:\n    {name}: {value}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        load_configuration(path, {})


def test_page_names_a_variable_of_the_environment() -> None:
    """The rule for names of variables is shown with a name that exists."""
    assert environment_name("engine.runaway.failing_seconds") in PAGE


SCHEMA_REFUSES = {
    "unknown setting": {"engin": {}},
    "unknown setting of read": {"read": {"block": 1}},
    "negative duration": {"engine": {"stale_seconds": -1}},
    "not a duration": {"engine": {"stale_seconds": "5 parsecs"}},
    "zero": {"engine": {"max_keys": 0}},
    "not a size": {"read": {"block_bytes": "4MB"}},
    "neither true nor false": {"redact": {"names": "yes"}},
    "not one of the choices": {"fail_on": "sometimes"},
    "override without a rule": {"engine": {"overrides": [{"name": "x"}]}},
}


@pytest.mark.parametrize("document", SCHEMA_REFUSES.values(), ids=SCHEMA_REFUSES)
def test_schema_refuses_what_the_loader_refuses(tmp_path: Path, document: dict[str, object]) -> None:
    """An editor with the schema and the command agree."""
    path = tmp_path / "whystuck.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_configuration(path, {})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, configuration_schema())


def _without_secrets(value: object) -> object:
    """What may stand in a file: secrets may not, unset or set."""
    if not isinstance(value, msgspec.Struct):
        return msgspec.json.decode(msgspec.json.encode(value))
    fields = inspect.type_info(type(value)).fields
    return {
        field.encode_name: _without_secrets(getattr(value, field.name)) for field in fields if not is_secret(field.type)
    }


def test_schema_accepts_the_defaults() -> None:
    """What is in force without a file is a valid file."""
    jsonschema.validate(_without_secrets(Configuration()), configuration_schema())


SECRETS = [setting for setting, kind in settings().items() if is_secret(kind)]


@pytest.mark.parametrize("setting", SECRETS)
def test_secret_has_a_file_beside_it(setting: str) -> None:
    """As the page says of all of them."""
    assert f"{setting}_file" in settings()


def test_what_sounds_like_a_secret_is_one() -> None:
    """So that nothing shows it."""
    assert SECRETS == [setting for setting in settings() if is_secret_name(setting)]


def test_schema_has_no_secrets() -> None:
    """Editors must not offer them."""
    assert "token" not in configuration_schema()["$defs"]["HttpSettings"]["properties"]
