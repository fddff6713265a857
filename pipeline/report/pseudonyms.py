"""Pseudonyms for names, addresses and e-mail in texts: the same text has the same pseudonym within one run.

Names are learned first, from fields that hold nothing else and from texts where their place tells what they are (a key
in quotes, a host below .svc, a path of the API). Then every word is looked up, whole, between its dots and between its
dashes, so that the pod `api-7d9f8c6b5-x2b4z` does not give the Rollout `api` away.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL}){{0,8}}"
_QUOTE = r"\\{0,3}[\"']"

_EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}"
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")
_IP_NAME = re.compile(r"(?<![\w-])ip-\d{1,3}(?:-\d{1,3}){3}(?![\w-])")
_HOSTS = (
    re.compile(rf"://(?:[^\s/@]{{1,200}}@)?(?P<host>{_NAME})"),
    re.compile(rf"\blookup (?P<host>{_NAME})"),
    re.compile(rf"(?<![\w./@-])(?P<host>{_LABEL}(?:\.{_LABEL}){{1,8}}):\d{{2,5}}(?!\d)"),
)
_VALID_FOR = re.compile(r"certificate is valid for (?P<names>[\w*.:, -]{1,2000}?), not (?P<name>[\w*.-]{1,253})")
_IN_CLUSTER = re.compile(r"\.svc(?:\.|$)")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")

_NAMED = (
    re.compile(rf"{_QUOTE}(?P<namespace>{_LABEL})/(?P<object>(?!v\d)[a-z][a-z0-9.-]{{0,252}}){_QUOTE}"),
    re.compile(rf"(?<![\w.-])(?P<service>{_LABEL})\.(?P<namespace>{_LABEL})\.svc(?![\w-])"),
    re.compile(rf"system:serviceaccounts?:(?P<namespace>{_LABEL})(?::(?P<serviceaccount>{_NAME}))?"),
    re.compile(rf"system:node:(?P<node>{_NAME})"),
    re.compile(rf"\bnamespaces?(?:[ =:/]{{1,3}}|[ =:]{{0,2}}{_QUOTE})(?P<namespace>{_LABEL})(?=[\s\"'\\/,;)]|$)"),
    re.compile(rf"/namespaces/(?P<namespace>{_LABEL})/[a-z]{{1,63}}/(?P<object>{_NAME})"),
    re.compile(rf"(?<![\w.-])(?P<object>{_LABEL})-(?=[4-9bcdf]{{0,9}}\d)[4-9bcdf]{{8,10}}(?:-[a-z0-9]{{5}})?(?![\w-])"),
    re.compile(
        r"(?<!resource )(?<!group )(?<!field )(?<!version )(?<!verb )(?<!kind )"
        rf"{_QUOTE}(?P<object>(?![\d.]+[\"'\\]){_NAME}){_QUOTE}"
    ),
)
"""Where in a text a name can only be a name. Groups say of what."""

_NO_NAMES = frozenset(
    {"svc", "cluster", "local", "default", "true", "false", "null", "none", "https", "http", "metadata"}
)
"""Words that are quoted often, and give nobody away."""
_COMMAND_WORDS = frozenset(
    {
        "kubectl", "get", "describe", "logs", "delete", "patch", "apply", "edit", "exec", "rollout", "rollouts",
        "restart", "status", "create", "certificate", "auth", "can-i", "list", "watch", "update", "deployment",
        "deployments", "service", "services", "pod", "pods", "secret", "secrets", "crd", "crds", "node", "nodes",
        "webhook", "namespace", "namespaces", "event", "events", "endpoints", "endpointslices", "replicaset",
        "replicasets", "argo", "argo-rollouts", "openssl", "x509", "s_client", "type", "field-selector", "jsonpath",
        "yaml", "json", "tls",
    }
)  # fmt: skip
"""Words of our own commands: an object of that name stays in them, else the command would not run."""


class Pseudonyms:
    """What stands for what."""

    def __init__(self, *, names: bool, addresses: bool, emails: bool) -> None:
        self._has_names = names
        self._has_addresses = addresses
        self._has_emails = emails
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def learn(self, kind: str, name: str | None) -> None:
        """A name, and what it is the name of."""
        if self._has_names and name and name not in _NO_NAMES:
            self._pseudonym(kind, name)

    def learn_from(self, text: str) -> None:
        """Learn the names and hosts that a text holds in places where nothing else can stand."""
        if self._has_emails:
            text = _EMAIL.sub(" ", text)
        if self._has_names:
            for pattern in _NAMED:
                for match in pattern.finditer(text):
                    for kind, name in match.groupdict().items():
                        self.learn(kind, name)
        if self._has_addresses:
            for host in _hosts_of(text):
                self._pseudonym("host", host)

    def mask(self, text: str, *, is_command: bool = False) -> str:
        """The text with everything that is to be hidden replaced."""
        if self._has_emails:
            text = _EMAIL.sub(lambda match: self._pseudonym("email", match[0]), text)
        if self._has_addresses:
            text = _IPV4.sub(lambda match: self._address(match[0]), text)
            text = _IPV6.sub(lambda match: self._address(match[0]), text)
            text = _IP_NAME.sub(lambda match: self._pseudonym("ip", match[0][3:].replace("-", ".")), text)
        if not self._known:
            return text
        kept = _COMMAND_WORDS if is_command else frozenset()
        return _WORD.sub(lambda match: match[0] if match[0] in kept else self._mask_word(match[0]), text)

    def _mask_word(self, word: str) -> str:
        """The word, its labels or their parts replaced where they are known."""
        whole = self._known.get(word)
        if whole is not None:
            return whole
        if "." not in word:
            return self._mask_label(word)
        labels = word.split(".")
        for size in range(len(labels) - 1, 1, -1):  # names may hold dots themselves
            head = self._known.get(".".join(labels[:size]))
            if head is not None:
                return ".".join([head, *map(self._mask_label, labels[size:])])
        return ".".join(map(self._mask_label, labels))

    def _mask_label(self, label: str) -> str:
        parts = label.split("-")
        masked: list[str] = []
        begin = 0
        while begin < len(parts):
            for end in range(len(parts), begin, -1):
                known = self._known.get("-".join(parts[begin:end]))
                if known is not None:
                    masked.append(known)
                    begin = end
                    break
            else:
                masked.append(parts[begin])
                begin += 1
        return "-".join(masked)

    def _address(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        return text if address.is_loopback or address.is_unspecified else self._pseudonym("ip", str(address))

    def _pseudonym(self, kind: str, text: str) -> str:
        known = self._known.get(text)
        if known is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._known[text] = f"{kind}-{number}"
        return known


def _hosts_of(text: str) -> Iterator[str]:
    """Hosts outside of the cluster: what is below .svc is a name."""
    for pattern in _HOSTS:
        for match in pattern.finditer(text):
            if _is_host(match["host"]):
                yield match["host"]
    for match in _VALID_FOR.finditer(text):
        yield from (name for name in (*re.split(r",? ", match["names"]), match["name"]) if _is_host(name))


def _is_host(text: str) -> bool:
    return "." in text and not _IN_CLUSTER.search(text) and not text.replace(".", "").isdigit()
