"""The image and docker-compose.yml: valid, closed as far as possible, and fitting what they are made of."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from deploy.demo import make_secrets, producer, receiver

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
CONFIGURATION_FILE = ROOT / "deploy" / "demo" / "whystuck.yaml"
CONFIGURATION = yaml.safe_load(CONFIGURATION_FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DAEMONS = ("whystuck", "whystuck-standby")
PROGRAMS = Path(sys.executable).parent


def _run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [PROGRAMS / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT)


def test_compose_file_has_the_published_schema() -> None:
    """check-jsonschema holds it."""
    done = _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_dockerfile_has_no_findings() -> None:
    """Of hadolint."""
    done = _run("hadolint", "Dockerfile")

    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_closed(service: str) -> None:
    """It writes where it is said, gets no rights, and is reached from this machine only."""
    settings = SERVICES[service]

    assert settings["read_only"] is True
    assert ["ALL"] == settings["cap_drop"]
    assert ["no-new-privileges:true"] == settings["security_opt"]
    assert not settings.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc"}
    assert [] == [port for port in settings.get("ports", []) if not port.startswith("127.0.0.1:")]


@pytest.mark.parametrize("service", SERVICES)
def test_image_has_a_version(service: str) -> None:
    """One that does not move."""
    name, _, tag = SERVICES[service]["image"].rpartition(":")

    assert name
    assert "build" in SERVICES[service] or tag.split(".")[0].isdigit()


def test_everything_that_serves_is_waited_for() -> None:
    """By its health, or by its end."""
    for settings in SERVICES.values():
        for needed, how in settings.get("depends_on", {}).items():
            is_healthy = how["condition"] == "service_healthy"
            assert is_healthy or how["condition"] == "service_completed_successfully", needed
            assert is_healthy == ("healthcheck" in SERVICES[needed]), needed


def test_standby_differs_in_its_port_only() -> None:
    """And in that it comes second."""
    active, standby = ({**SERVICES[name]} for name in DAEMONS)
    assert {"whystuck"} == standby.pop("depends_on").keys() - active.pop("depends_on").keys()

    assert active.pop("ports") != standby.pop("ports")
    assert active == standby


@pytest.mark.parametrize(("service", "program"), [("producer", producer), ("receiver", receiver)])
def test_program_is_in_the_image_and_takes_its_arguments(service: str, program: ModuleType) -> None:
    """The image has deploy/demo in /opt/whystuck/demo."""
    assert program.__file__ is not None
    assert ["python", f"/opt/whystuck/demo/{Path(program.__file__).name}"] == SERVICES[service]["entrypoint"]
    assert "COPY deploy/demo /opt/whystuck/demo" in (ROOT / "Dockerfile").read_text().splitlines()
    assert program.read_arguments(SERVICES[service]["command"])


def test_files_that_are_mounted_exist() -> None:
    """Or a container would not start; secrets are made first."""
    (log,) = SERVICES["producer"]["volumes"]

    assert log["target"] == SERVICES["producer"]["command"][0]
    assert (ROOT / log["source"]).is_file()
    assert [CONFIGURATION_FILE] == [ROOT / each["file"] for each in COMPOSE["configs"].values()]


def test_receiver_is_in_the_network_that_is_allowed() -> None:
    """Private addresses are refused otherwise."""
    (pool,) = COMPOSE["networks"]["demo"]["ipam"]["config"]
    (receiver,) = CONFIGURATION["delivery"]["receivers"]

    assert [pool["subnet"]] == receiver["allow_networks"]
    assert ipaddress.ip_network(pool["subnet"]).is_private


def test_secrets_are_made_and_stay_out_of_git_and_of_the_image(tmp_path: Path) -> None:
    """Exactly those that the file names; a second call leaves them as they are."""
    folder = tmp_path / "secrets"
    assert [*make_secrets.CONTENTS] == make_secrets.make(folder)
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert [] == make_secrets.make(folder)

    assert contents == {path.name: path.read_text() for path in folder.iterdir()}
    assert {f"deploy/demo/secrets/{name}" for name in contents} == {
        secret["file"] for secret in COMPOSE["secrets"].values()
    }
    assert 0o700 == folder.stat().st_mode & 0o777
    assert "deploy/demo/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored.index("!deploy") < ignored.index("deploy/demo/secrets"), "the last line that fits is in force"


def test_configuration_is_accepted(tmp_path: Path) -> None:
    """Both daemons' own, with the secrets where they are in a container."""
    folder = tmp_path / "secrets"
    make_secrets.make(folder)
    mounted = tmp_path / "whystuck.yaml"
    mounted.write_text(CONFIGURATION_FILE.read_text().replace("/run/secrets", str(folder)))

    done = _run("whystuck", "config", "validate", "--config", mounted)

    assert 0 == done.returncode, done.stdout + done.stderr
