"""A real kube-apiserver with its etcd on 127.0.0.1, without privileges; nodes and pods are only written down."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.kube_binaries import find_program
from tests.servers.ports import free_ports
from tests.servers.processes import start_tied

READY_SECONDS = 300.0
STOP_SECONDS = 60.0
SECONDS = 120.0
"""After this, something that should happen does not."""
ADMIN = "admin-token"
_AUTHORIZATION = "authorization.k8s.io"


class RefusedError(Exception):
    """The API server said no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:600]}")
        self.status = status
        self.text = text

    @property
    def message(self) -> str:
        """The sentence of the answer: what a controller prints of it."""
        return str(json.loads(self.text)["message"])


class KubeCluster:
    """One cluster in a directory of its own."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are more flags of the API server, without dashes."""
        directory.mkdir(parents=True, exist_ok=True)
        self._settings = dict(settings or {})
        self.directory = directory
        self.authority = Authority("cluster", directory)
        self._serving = self.authority.issue("kube-apiserver")
        self._client = self.authority.issue("kubelet-client")
        self._account_key = self.authority.issue("accounts")
        self._etcd: subprocess.Popen[bytes] | None = None
        self._apiserver: subprocess.Popen[bytes] | None = None
        self._client_port, self._peer_port, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self._tls = ssl.create_default_context(cafile=str(self.authority.file))
        (directory / "tokens.csv").write_text(f"{ADMIN},admin,admin,system:masters\n", encoding="utf-8")

    def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        if self._etcd is None:
            self._etcd = start_tied(self._etcd_command(), self.directory / "etcd.log")
        if self._apiserver is None:
            self._apiserver = start_tied(self._apiserver_command(), self.directory / "apiserver.log")
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._apiserver.poll() is not None or time.monotonic() > deadline:
                printed = (self.directory / "apiserver.log").read_bytes()[-3000:].decode(errors="replace")
                self.stop()
                raise RuntimeError(f"the API server did not start: {printed}")
            time.sleep(0.05)

    def kill_apiserver(self) -> None:
        """Kill it as kill -9 does; `start` brings it back on the same port."""
        if self._apiserver is not None:
            self._apiserver.kill()
            self._apiserver.wait(STOP_SECONDS)
            self._apiserver = None

    def stop(self) -> None:
        """End everything."""
        self.kill_apiserver()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait(STOP_SECONDS)
            self._etcd = None

    def call(
        self, method: str, path: str, body: object = None, kind: str = "application/json", *, user: str = ""
    ) -> Any:
        """One request as the administrator, or as the user; what is answered, out of its JSON. Raises RefusedError."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {ADMIN}", "content-type": kind, "accept": "application/json"}
        headers |= {"impersonate-user": user} if user else {}
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self._tls) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, error.read().decode(errors="replace")) from None
        return json.loads(text) if text[:1] in b"{[" else text.decode(errors="replace")

    def apply(self, path: str, value: Mapping[str, Any]) -> None:
        """Make an object, or change it to this; a path as /api/v1/namespaces/a/pods/b."""
        self.call("PATCH", f"{path}?fieldManager=tests&force=true", value, "application/apply-patch+yaml")

    def set_status(self, path: str, status: Mapping[str, Any]) -> None:
        """Merge into the status of an object."""
        self.call("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")

    def add_namespace(self, name: str) -> None:
        """Make a namespace."""
        self.apply(f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def add_node(self, name: str, kubelet_port: int) -> None:
        """A node whose kubelet listens on a port of 127.0.0.1."""
        self.apply(f"/api/v1/nodes/{name}", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        end_point = {"kubeletEndpoint": {"Port": kubelet_port}}
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        self.set_status(f"/api/v1/nodes/{name}", {"addresses": addresses, "daemonEndpoints": end_point})

    def add_account(self, namespace: str, name: str, rules: Sequence[Mapping[str, Any]]) -> str:
        """A service account with exactly these rights in the whole cluster, which it has then; a token of it."""
        full, rbac = f"{namespace}-{name}", "/apis/rbac.authorization.k8s.io/v1"
        metadata, group = {"name": full}, "rbac.authorization.k8s.io"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
        self.apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}", account)
        role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": list(rules)}
        self.apply(f"{rbac}/clusterroles/{full}", role)
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": full},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }
        self.apply(f"{rbac}/clusterrolebindings/{full}", binding)
        self.until_allowed(f"system:serviceaccount:{namespace}:{name}", rules)
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}}
        token: str = self.call("POST", path, asked)["status"]["token"]
        return token

    def until_allowed(self, user: str, rules: Sequence[Mapping[str, Any]], namespace: str = "default") -> None:
        """Wait until a user has rights: what the API server asks about them follows its objects a moment later."""
        review = {
            "apiVersion": f"{_AUTHORIZATION}/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        wanted = set(map(_rule, rules))
        deadline = time.monotonic() + SECONDS
        while True:
            path = f"/apis/{_AUTHORIZATION}/v1/selfsubjectrulesreviews"
            status = self.call("POST", path, review, user=user)["status"]
            if wanted <= set(map(_rule, status["resourceRules"])):
                return
            assert time.monotonic() < deadline, (user, status)
            time.sleep(0.02)

    def kubeconfig(self, token: str = ADMIN, *, name: str = "test", namespace: str = "default") -> Path:
        """A kubeconfig with one context of that name, whose token it is."""
        path = self.directory / f"{name}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.authority.file)}
        value = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        }
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, RefusedError):
            return bool(self.call("GET", "/readyz") == "ok")
        return False

    def _etcd_command(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self._client_port}", f"http://127.0.0.1:{self._peer_port}"
        addresses = {
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "data-dir": str(self.directory / "etcd"),
            "log-level": "error",
        }
        return [
            str(find_program("etcd")),
            "--unsafe-no-fsync",
            *(f"--{name}={text}" for name, text in addresses.items()),
        ]

    def _apiserver_command(self) -> list[str]:
        settings = {
            "etcd-servers": f"http://127.0.0.1:{self._client_port}",
            "secure-port": str(self.port),
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "service-cluster-ip-range": "127.96.0.0/16",  # a Service's address is one that a test can listen on
            "cert-dir": str(self.directory),
            "tls-cert-file": str(self._serving[0]),
            "tls-private-key-file": str(self._serving[1]),
            "token-auth-file": str(self.directory / "tokens.csv"),
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(self._account_key[0]),
            "service-account-signing-key-file": str(self._account_key[1]),
            "kubelet-client-certificate": str(self._client[0]),
            "kubelet-client-key": str(self._client[1]),
            "kubelet-certificate-authority": str(self.authority.file),
            "kubelet-preferred-address-types": "InternalIP",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",  # no controller makes accounts here
        }
        flags = (f"--{name}={text}" for name, text in (settings | self._settings).items())
        return [str(find_program("kube-apiserver")), *flags]


def _rule(rule: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """One that can be compared."""
    return tuple(tuple(sorted(rule.get(name, ()))) for name in ("apiGroups", "resources", "resourceNames", "verbs"))
