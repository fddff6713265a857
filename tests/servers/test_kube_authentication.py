"""Who one is, in every way that a kubeconfig knows, against a real API server: its audit log says whom it saw."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.cluster.tally import CallTally
from tests.servers.certificates import Authority
from tests.servers.kube_cluster import KubeCluster
from tests.servers.oidc_issuer import CLIENT, CLIENT_SECRET, OidcIssuer
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

SECONDS = 240.0
NO_CONTROLLER = 1
"""What a run with --once ends with where none is found: there are none here."""
PODS = Call("list", "pods")
READS_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
USERS = ("jane", "oidc-user", "plugged", "file-user")
LIVES = (3.0, 10.0, 60.0)
"""Seconds for which a credential is good: the first one that is long enough for a call on this machine."""
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


class Place:
    """A cluster that knows client certificates and an OIDC issuer, and writes down who asked for what."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        (directory / "policy.json").write_text(json.dumps(POLICY))
        self.people = Authority("people", directory)
        self.issuer = OidcIssuer(*self.people.issue("issuer"))
        self.audit = directory / "audit.log"
        settings = {
            "client-ca-file": str(self.people.file),
            "oidc-issuer-url": self.issuer.url,
            "oidc-client-id": CLIENT,
            "oidc-ca-file": str(self.people.file),
            "oidc-username-claim": "sub",
            "oidc-username-prefix": "-",
            "audit-policy-file": str(directory / "policy.json"),
            "audit-log-path": str(self.audit),
        }
        self.cluster = KubeCluster(directory / "cluster", settings)
        self.cluster.start()
        for user in USERS:
            self.allow(user, [READS_PODS])
        _until(self._knows_issuer, "the API server knows the issuer")

    def allow(self, user: str, rules: Sequence[dict[str, Any]]) -> None:
        """Give a user rights in the whole cluster."""
        base, group = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
        common = {"apiVersion": f"{group}/v1", "metadata": {"name": user}}
        self.cluster.apply(f"{base}/clusterroles/{user}", {**common, "kind": "ClusterRole", "rules": list(rules)})
        binding = {
            **common,
            "kind": "ClusterRoleBinding",
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": user},
            "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
        }
        self.cluster.apply(f"{base}/clusterrolebindings/{user}", binding)
        self.cluster.until_allowed(user, rules)

    def kubeconfig(self, path: Path, user: dict[str, Any]) -> Path:
        """A kubeconfig of this user."""
        value = {
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": self.address()}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me"}}],
        }
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    def address(self) -> dict[str, Any]:
        """As a kubeconfig says it."""
        return {"server": self.cluster.url, "certificate-authority": str(self.cluster.authority.file)}

    def asked(self, path: str = "/api/v1/") -> list[dict[str, Any]]:
        """What was asked for below a path, oldest first."""
        lines = self.audit.read_text(encoding="utf-8").splitlines()
        found = (json.loads(line) for line in lines if line.endswith("}"))
        complete = (one for one in found if one["stage"] == "ResponseComplete")
        return [one for one in complete if one["requestURI"].startswith(path)]

    def until_asked_by(self, user: str, path: str = "/api/v1/pods") -> None:
        """Wait until the audit log tells that this user has asked last: it is written behind the answer."""
        _until(lambda: [one["user"]["username"] for one in self.asked(path)][-1:] == [user], f"{user} has asked")

    def _knows_issuer(self) -> bool:
        path = self.kubeconfig(
            self.cluster.directory / "probe.kubeconfig", {"token": self.issuer.sign("oidc-user", seconds=600)}
        )
        try:
            _connection(path).get(PODS)
        except CallError:
            return False
        return True

    def close(self) -> None:
        """End everything."""
        self.cluster.stop()
        self.issuer.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all tests here."""
    with closing(Place(tmp_path_factory.mktemp("authentication") / "place")) as found:
        yield found


def _connection(kubeconfig: Path, tally: CallTally | None = None, **settings: Any) -> Connection:
    return Connection(ClusterSettings(kubeconfig=str(kubeconfig), **settings), tally)


def _until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.2)


def _reason(connection: Connection) -> Reason | None:
    """Why a call fails; None: it does not."""
    try:
        connection.get(PODS)
    except CallError as error:
        return error.reason
    return None


def _credential(seconds: float, **status: str) -> str:
    """What a plug-in prints: good for so long."""
    ends_at = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"expirationTimestamp": ends_at, **status},
    }
    return json.dumps(content)


def _plugin(directory: Path, prints: str) -> dict[str, Any]:
    """A plug-in that prints this, and writes down that it was called, and what it was told."""
    (directory / "credential.json").write_text(prints)
    script = directory / "plugin"
    script.write_text(
        f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >> {directory}/called\ncat {directory}/credential.json\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(script),
            "interactiveMode": "Never",
            "provideClusterInfo": True,
        }
    }


def _calls_of(directory: Path) -> int:
    return len((directory / "called").read_text().splitlines())


def test_token_file_that_is_replaced(place: Place, tmp_path: Path) -> None:
    """The token expires: refused, and said so; the new one in its file is taken without a restart."""
    for seconds in LIVES:
        (tmp_path / "token").write_text(place.issuer.sign("file-user", seconds=seconds))
        tally = CallTally()
        connection = _connection(place.kubeconfig(tmp_path / "config", {"tokenFile": "token"}), tally)
        if _reason(connection) is None:
            break
    else:
        pytest.fail(f"a call takes longer than {LIVES[-1]} s")

    _until(lambda: _reason(connection) is Reason.UNAUTHORIZED, "the token has expired")  # a cache of 10 s is in between
    (tmp_path / "token").write_text(place.issuer.sign("file-user", seconds=600))
    _until(lambda: _reason(connection) is None, "the new token is taken")
    assert {"2xx", "4xx"} == {kind.code for kind in tally.calls()}


def test_client_certificate(place: Place, tmp_path: Path) -> None:
    """As files and as data."""
    certificate, key = place.people.issue("jane")
    data = {
        "client-certificate-data": base64.b64encode(certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(key.read_bytes()).decode(),
    }
    for user in ({"client-certificate": str(certificate), "client-key": str(key)}, data):
        assert _reason(_connection(place.kubeconfig(tmp_path / "config", user))) is None
    place.until_asked_by("jane")


def test_plug_in_is_asked_again_when_its_token_ends(place: Place, tmp_path: Path) -> None:
    """Not before: the client begins five minutes ahead of the end."""
    token = place.issuer.sign("plugged", seconds=600)
    for seconds in LIVES:
        (tmp_path / "called").unlink(missing_ok=True)
        user = _plugin(tmp_path, _credential(300 + seconds, token=token))
        connection = _connection(place.kubeconfig(tmp_path / "config", user))
        assert (None, None) == (_reason(connection), _reason(connection))
        if 1 == _calls_of(tmp_path):
            break
    else:
        pytest.fail(f"a call takes longer than {LIVES[-1]} s")

    (tmp_path / "credential.json").write_text(_credential(900, token=token))
    _until(lambda: _reason(connection) is not None or _calls_of(tmp_path) > 1, "it is asked again")
    assert (None, 2) == (_reason(connection), _calls_of(tmp_path))
    told = json.loads((tmp_path / "called").read_text().splitlines()[0])
    assert place.cluster.url == told["spec"]["cluster"]["server"]


def test_plug_in_that_gives_a_certificate(place: Place, tmp_path: Path) -> None:
    """In the place of a token."""
    certificate, key = place.people.issue("plugged")
    content = {"clientCertificateData": certificate.read_text(), "clientKeyData": key.read_text()}
    user = _plugin(tmp_path, _credential(900, **content))

    assert _reason(_connection(place.kubeconfig(tmp_path / "config", user))) is None
    place.until_asked_by("plugged")


def test_oidc_token_that_has_expired_is_refreshed(place: Place, tmp_path: Path) -> None:
    """And once more, though each refresh token is good for one time, and the file still holds the first one."""
    config = {
        "client-id": CLIENT,
        "client-secret": CLIENT_SECRET,
        "id-token": place.issuer.sign("oidc-user", seconds=-600),
        "idp-certificate-authority": str(place.people.file),
        "idp-issuer-url": place.issuer.url,
        "refresh-token": place.issuer.refresh_token,
    }
    for seconds in LIVES:
        config["refresh-token"] = place.issuer.refresh_token
        path = place.kubeconfig(tmp_path / "config", {"auth-provider": {"name": "oidc", "config": config}})
        place.issuer.token_seconds, before = seconds, place.issuer.refreshed
        connection = _connection(path)
        if (None, before + 1) == (_reason(connection), place.issuer.refreshed):
            break
    else:
        pytest.fail(f"a call takes longer than {LIVES[-1]} s")

    _until(lambda: _reason(connection) is None and place.issuer.refreshed >= before + 2, "it is refreshed again")

    place.issuer.refresh_token = "nobody-has-it"
    _until(lambda: _reason(connection) is Reason.UNAUTHORIZED, "the provider gives nothing more")
    with pytest.raises(CallError) as caught:
        connection.get(PODS)
    assert not [canary for canary in (CLIENT_SECRET, "refresh-canary") if canary in str(caught.value)]


def test_service_account_of_a_pod(place: Place, tmp_path: Path) -> None:
    """Nothing but the environment and the files that a kubelet gives; the daemon as a process."""
    rules = [READS_PODS, {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}]
    token = place.cluster.add_account("default", "pod", rules)
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(token)
    (account / "ca.crt").write_bytes(place.cluster.authority.file.read_bytes())
    (account / "namespace").write_text("default")
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(place.cluster.port),
        "HOME": str(tmp_path),
        "KUBECONFIG": "",
    }
    kubernetes = {"service_account": str(account), "objects": False}
    _watch_once(tmp_path, kubernetes, environment, "--from", "kubernetes", expected=NO_CONTROLLER)

    place.until_asked_by("system:serviceaccount:default:pod")


def _watch_once(
    directory: Path, kubernetes: dict[str, Any], environment: dict[str, str], *flags: str, expected: int = 0
) -> str:
    """Run the daemon until it has read everything; what it printed."""
    settings = {"store": {"url": f"sqlite:///{directory}/whystuck.db"}, "kubernetes": kubernetes}
    with closing(Watching(directory / "daemon", settings)) as daemon:
        daemon.start("--once", *flags, environment=environment)
        assert expected == daemon.wait(), daemon.printed()
        return daemon.printed()


@pytest.fixture
def files(place: Place, tmp_path: Path) -> str:
    """KUBECONFIG with two files: clusters in one, users and contexts in another; nobody may do what is not asked as."""
    place.allow("boss", [{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}])
    broken = {"server": "https://127.0.0.1:1", "certificate-authority": str(place.cluster.authority.file)}
    clusters = {"clusters": [{"name": "good", "cluster": place.address()}, {"name": "bad", "cluster": broken}]}
    users = {
        "users": [
            {"name": "nobody", "user": {"token": "canary-of-nobody"}},
            {"name": "boss", "user": {"token": place.issuer.sign("boss", seconds=3600)}},
            {"name": "jane", "user": {"token": place.issuer.sign("jane", seconds=3600)}},
        ],
        "contexts": [
            {"name": "first", "context": {"cluster": "bad", "user": "nobody"}},
            {"name": "second", "context": {"cluster": "good", "user": "boss"}},
        ],
        "current-context": "first",
    }
    for name, value in (("clusters", clusters), ("users", users)):
        (tmp_path / name).write_text(json.dumps(value))
    return os.pathsep.join([str(tmp_path / "clusters"), str(tmp_path / "users")])


FLAGS: dict[str, tuple[list[str], str, str | None, list[str]]] = {
    "context and as": (
        ["--context", "second", "--as", "jane", "-A"],
        "boss",
        "jane",
        ["/api/v1/pods?labelSelector=app.kubernetes.io%2Fname%3Dargo-rollouts"],
    ),
    "cluster and user, namespaces and labels": (
        ["--cluster", "good", "--user", "jane", "-n", "default,kube-system", "-l", "app=x,tier!=y"],
        "jane",
        None,
        [
            "/api/v1/namespaces/default/pods?labelSelector=app%3Dx%2Ctier%21%3Dy",
            "/api/v1/namespaces/kube-system/pods?labelSelector=app%3Dx%2Ctier%21%3Dy",
        ],
    ),
}


@pytest.mark.parametrize(("flags", "user", "impersonated", "paths"), FLAGS.values(), ids=FLAGS)
def test_flags_reach_the_api_server(
    place: Place, files: str, tmp_path: Path, flags: list[str], user: str, impersonated: str | None, paths: list[str]
) -> None:
    """As its audit log tells: who asked, as whom, where, and for which labels."""
    before = len(place.asked())
    environment = {"KUBECONFIG": files}
    _watch_once(tmp_path, {"objects": False}, environment, "--from", "kubernetes", *flags, expected=NO_CONTROLLER)
    _until(lambda: set(paths) <= {one["requestURI"] for one in place.asked()[before:]}, "all are asked for")
    mine = [one for one in place.asked()[before:] if one["requestURI"] in paths]
    assert {user} == {one["user"]["username"] for one in mine}
    assert {impersonated} == {one.get("impersonatedUser", {}).get("username") for one in mine}


WRONG: dict[str, tuple[list[str], list[str]]] = {
    "context": (["--context", "third"], ["there is no context 'third'; its contexts: first, second"]),
    "cluster": (["--cluster", "third"], ["there is no cluster 'third'; its clusters: bad, good"]),
    "kubeconfig": (["--kubeconfig", "/nowhere/config"], ["kubeconfig /nowhere/config: there is no such file"]),
    "as": (
        ["--context", "second", "--as", "joe", "--user", "jane"],
        ["cannot list pods in all namespaces", 'resources: ["users"], verbs: ["impersonate"]} would allow it'],
    ),
    "selector": (
        ["--cluster", "good", "--user", "jane", "-l", "app in web"],
        ["cannot list pods in all namespaces", "unable to parse requirement"],
    ),
    "request-timeout": (["--request-timeout", "soon"], ["request_timeout_seconds"]),
}


@pytest.mark.parametrize(("flags", "texts"), WRONG.values(), ids=WRONG)
def test_wrong_flags_are_told(files: str, tmp_path: Path, flags: list[str], texts: list[str]) -> None:
    """Exit code 2, one error with what there is, and no secret of the kubeconfig."""
    printed = _watch_once(tmp_path, {}, {"KUBECONFIG": files}, "--from", "kubernetes", *flags, expected=2)

    assert not [text for text in texts if text not in printed]
    assert "canary" not in printed
    assert "Traceback" not in printed


def test_request_timeout(tmp_path: Path) -> None:
    """Of a server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = {"server": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        config = {
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": address}],
            "users": [],
            "contexts": [{"name": "test", "context": {"cluster": "test"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        began = time.monotonic()
        connection = _connection(tmp_path / "config", request_timeout_seconds=0.5)
        assert _reason(connection) is Reason.UNREACHABLE
        assert 0.5 <= time.monotonic() - began < SECONDS


def test_name_of_the_server_and_whether_it_counts(place: Place, tmp_path: Path) -> None:
    """`tls-server-name` and `insecure-skip-tls-verify`."""
    user = {"token": place.issuer.sign("jane", seconds=600)}
    address = place.address()
    expected = {
        "as it is": ({}, None),
        "another name": ({"tls-server-name": "elsewhere.example"}, Reason.UNREACHABLE),
        "another name that does not count": (
            {"tls-server-name": "elsewhere.example", "insecure-skip-tls-verify": True},
            None,
        ),
        "the name in it": ({"tls-server-name": "kube-apiserver"}, None),
    }
    found = {}
    for name, (more, _) in expected.items():
        path = place.kubeconfig(tmp_path / "config", user)
        value = json.loads(path.read_text())
        cluster = {**address, **more}
        if "insecure-skip-tls-verify" in more:
            del cluster["certificate-authority"]
        value["clusters"][0]["cluster"] = cluster
        path.write_text(json.dumps(value))
        found[name] = _reason(_connection(path))

    assert {name: reason for name, (_, reason) in expected.items()} == found


class _Tunnel(socketserver.StreamRequestHandler):
    """An HTTP proxy that knows CONNECT only, and writes down where to."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        verb, target, _ = self.rfile.readline().decode().split(" ")
        while self.rfile.readline().strip():
            pass
        assert verb == "CONNECT"
        self.asked.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pass, args=(server, self.connection), daemon=True)
            back.start()
            _pass(self.connection, server)
            back.join()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def test_proxy_of_the_kubeconfig(place: Place, tmp_path: Path) -> None:
    """Calls go through it, with the certificate of the API server at the other end."""
    path = place.kubeconfig(tmp_path / "config", {"token": place.issuer.sign("jane", seconds=600)})
    value = json.loads(path.read_text())
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        value["clusters"][0]["cluster"]["proxy-url"] = f"http://127.0.0.1:{proxy.server_address[1]}"
        path.write_text(json.dumps(value))
        with closing(_connection(path)) as connection:
            assert _reason(connection) is None
        proxy.shutdown()

    assert [f"127.0.0.1:{place.cluster.port}"] == _Tunnel.asked
