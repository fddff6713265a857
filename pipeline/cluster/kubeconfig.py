"""A kubeconfig -> settings of the kubernetes client: who one is and where the API server is, as kubectl takes it.

The names in it are checked here and not by the client, whose errors print the user they are about, token and all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipeline.cluster.credentials import with_deadline
from pipeline.cluster.library_log import listening
from pipeline.cluster.safe_text import safe_text
from pipeline.cluster.settings import ClusterSettings
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

MAX_NAMES: Final = 20
"""Names in one message."""
_CHOSEN: Final = "chosen by whystuck"
"""Name of the context that is made of what the settings choose."""
_KNOWN_PROVIDERS: Final = ("gcp", "oidc")


class Place(msgspec.Struct, frozen=True):
    """Which cluster a kubeconfig leads to."""

    cluster: str
    namespace: str
    giver: str = ""  # who gives and renews credentials, for messages; empty: nobody


class _Context(msgspec.Struct, frozen=True):
    cluster: str
    user: str
    namespace: str


class Kubeconfig:
    """One or several files, read anew at each `load`; what an OIDC provider gave meanwhile is kept."""

    def __init__(self, path: str, settings: ClusterSettings) -> None:
        """`path` may be several, separated as in PATH: of each name the first one counts."""
        self._path = path
        self._settings = settings
        self._renewed: tuple[str, dict[str, Any]] | None = None  # the id-token of the file, and what came in its place

    def load(self, configuration: Configuration) -> Place:
        """Read the files, and prepare the client.

        Raises:
            ConfigurationError: A file cannot be read, a name is not in it, or nobody gave credentials.
        """
        from kubernetes.config import kube_config

        library: Any = kube_config  # it has no types
        merged = self._read(library)
        context = self._choose(merged.value)
        user = _of_name(merged.value, "users", context.user)
        chosen = {"name": _CHOSEN, "context": {"cluster": context.cluster, "user": context.user}}
        merged.value["contexts"].append(chosen)
        self._put_renewed(user)
        giver = _giver_of(user, context.user)
        if user is not None and isinstance(user.get("exec"), dict):
            user["exec"] = with_deadline(user["exec"], self._settings.request_limit_seconds)
        loader = library.KubeConfigLoader(merged, active_context=_CHOSEN, config_base_path=None)
        said: list[str] = []
        try:
            with listening(said):
                loader.load_and_set(configuration)
        except Exception as error:  # noqa: BLE001 - plug-ins, files and providers: the client lets anything through
            raise self._error(f"cluster {context.cluster}, user {context.user}: {safe_text(error)}") from None
        self._check(user, giver, configuration, said)
        proxy = (_of_name(merged.value, "clusters", context.cluster) or {}).get("proxy-url")
        configuration.proxy = configuration.proxy or proxy  # clients before 37 do not read it
        return Place(context.cluster, context.namespace, giver)

    def _read(self, library: Any) -> Any:  # noqa: ANN401 - the client's own, without types
        import yaml

        files = [Path(one).expanduser() for one in self._path.split(os.pathsep) if one]
        if not any(one.exists() for one in files):
            raise self._error("there is no such file, and no service account of a pod either")
        try:
            merger = library.KubeConfigMerger(self._path)
            merged = merger.config
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{mark.name}: line {mark.line + 1}, column {mark.column + 1}" if mark is not None else self._path
            raise ConfigurationError(f"kubeconfig {where}: it is no YAML") from None
        except OSError as error:
            raise self._error(safe_text(error)) from None
        except Exception:  # noqa: BLE001 - the client stumbles over a file of another form in many ways
            merged = None
        if merged is None or not isinstance(merged.value, dict) or not _is_sound(merged.value):
            raise self._error("it is no kubeconfig")
        merged.value["current-context"] = _first_current(merger.config_files.values())
        return merged

    def _choose(self, config: dict[str, Any]) -> _Context:
        settings = self._settings
        name = settings.context or config.get("current-context") or ""
        given: Mapping[str, Any] = {}
        if name:
            given = _of_name(config, "contexts", name) or {}
            if not given:
                raise self._unknown("context", name, config, "contexts")
        elif not settings.cluster:
            raise self._error(f"no context is the current one: say --context; {_listed(config, 'contexts')}")
        cluster, user = settings.cluster or given.get("cluster") or "", settings.user or given.get("user") or ""
        if _of_name(config, "clusters", cluster) is None:
            raise self._unknown("cluster", cluster, config, "clusters")
        if user and _of_name(config, "users", user) is None:
            raise self._unknown("user", user, config, "users")
        return _Context(str(cluster), str(user), str(given.get("namespace") or "default"))

    def _put_renewed(self, user: Mapping[str, Any] | None) -> None:
        """A provider may take each refresh token once: what it gave last is in memory, the file is not written."""
        config = ((user or {}).get("auth-provider") or {}).get("config")
        if not isinstance(config, dict) or "id-token" not in config:
            self._renewed = None
        elif self._renewed is not None and self._renewed[0] == config["id-token"]:
            config.update(self._renewed[1])
            self._renewed = (self._renewed[0], config)
        else:
            self._renewed = (config["id-token"], config)

    def _check(self, user: Mapping[str, Any] | None, giver: str, configuration: Configuration, said: list[str]) -> None:
        """The client goes on without credentials where it got none."""
        if user is None or not giver or configuration.api_key or configuration.cert_file or configuration.username:
            return
        why = safe_text("; ".join(said)) if said else "nothing was given"
        if "exec" in user:
            raise self._error(f"{giver} gave no credentials: {why}")
        known = (user["auth-provider"] or {}).get("name", "") in _KNOWN_PROVIDERS
        raise self._error(f"{giver} {'gave no token: ' + why if known else 'is not known here'}")

    def _unknown(self, kind: str, name: str, config: Mapping[str, Any], section: str) -> ConfigurationError:
        return self._error(f"there is no {kind} {name!r}; {_listed(config, section)}")

    def _error(self, text: str) -> ConfigurationError:
        return ConfigurationError(f"kubeconfig {self._path}: {text}")


def _giver_of(user: Mapping[str, Any] | None, name: str) -> str:
    """Of a plug-in the command, without its arguments and environment, which may hold secrets."""
    if user is not None and "exec" in user:
        return f"user {name}: the exec plug-in {(user['exec'] or {}).get('command', '')}"
    if user is not None and "auth-provider" in user:
        return f"user {name}: the auth-provider {(user['auth-provider'] or {}).get('name', '')}"
    return ""


def _is_sound(config: Mapping[str, Any]) -> bool:
    sections = (config.get(name) for name in ("clusters", "contexts", "users"))
    return all(isinstance(one, list) and all(_is_named(entry) for entry in one) for one in sections)


def _is_named(entry: object) -> bool:
    entry = getattr(entry, "value", entry)
    return isinstance(entry, Mapping) and isinstance(entry.get("name"), str)


def _of_name(config: Mapping[str, Any], section: str, name: str) -> dict[str, Any] | None:
    """The content of an entry; None where there is none of that name, or it has none."""
    singular = section.removesuffix("s")
    for entry in config[section]:
        value = getattr(entry, "value", entry)
        if value["name"] == name:
            content = value.get(singular)
            return content if isinstance(content, dict) else None
    return None


def _first_current(files: Iterable[Mapping[str, Any]]) -> str:
    """The current context of the first file that names one, as kubectl takes it; the client takes that of the last."""
    return next((str(one["current-context"]) for one in files if one.get("current-context")), "")


def _listed(config: Mapping[str, Any], section: str) -> str:
    names = sorted({getattr(entry, "value", entry)["name"] for entry in config[section]})
    if not names:
        return f"it has no {section}"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"its {section}: {', '.join(names[:MAX_NAMES])}{more}"
