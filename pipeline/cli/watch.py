"""`whystuck watch`: the daemon."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load

if TYPE_CHECKING:
    from pipeline.cluster.tally import CallTally
    from pipeline.config import Configuration
    from pipeline.daemon.watch import Loaded
    from pipeline.sources.live import LiveSource


class Input(enum.Enum):
    """Where lines come from."""

    KAFKA = "kafka"
    KUBERNETES = "kubernetes"


From = Annotated[
    Input | None,
    typer.Option("--from", help="Read from there only; else from all sections of the configuration."),
]
Kubeconfig = Annotated[str | None, typer.Option("--kubeconfig", metavar="PATH", help="Path of the kubeconfig.")]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Context of the kubeconfig; several with commas.")
]
ClusterOption = Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Cluster of the kubeconfig.")]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="User of the kubeconfig.")]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Where controllers run; several with commas."),
]
AllNamespaces = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Look for controllers in all namespaces: the default.")
]
Selector = Annotated[
    str | None, typer.Option("--selector", "-l", metavar="LABELS", help="Labels of the controllers' pods.")
]
Deployment = Annotated[
    str | None,
    typer.Option(
        "--deployment",
        metavar="NAME",
        help="Deployment of a controller, in the place of labels: NAME or NAMESPACE/NAME; several with commas.",
    ),
]
Impersonate = Annotated[str | None, typer.Option("--as", metavar="USER", help="Whom to ask as.")]
RequestTimeout = Annotated[
    str | None, typer.Option("--request-timeout", metavar="DURATION", help="How long one request may take.")
]
Record = Annotated[
    str | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Add everything that is taken in to a file that replay reads; .gz, .zst: compressed.",
    ),
]
Once = Annotated[
    bool,
    typer.Option("--once", help="Read what is there now and end, as a replay does; the store stays as it is then."),
]


def watch_command(
    config: options.Config = None,
    rules: options.Rules = None,
    store: options.Store = None,
    from_: From = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    cluster: ClusterOption = None,
    user: User = None,
    namespace: Namespace = None,
    selector: Selector = None,
    deployment: Deployment = None,
    impersonate: Impersonate = None,
    request_timeout: RequestTimeout = None,
    record: Record = None,
    *,
    all_namespaces: AllNamespaces = False,
    once: Once = False,
) -> None:
    """Read controller logs as they come, and keep incidents in the store, until a signal ends it.

    With `--from kubernetes` a kubeconfig, or the service account of the pod, is all that is needed.

    SIGTERM and Ctrl-C: what was read is committed, then it ends; a second one ends it at once, and nothing is lost
    either. SIGHUP: configuration and rules are read anew; where they are wrong, those in force stay.
    """
    from importlib.metadata import version

    from pipeline.cluster.tally import CallTally
    from pipeline.daemon.watch import Watch
    from pipeline.errors import ConfigurationError
    from pipeline.own_log.setup import set_up_log

    if selector is not None and deployment is not None:
        raise ConfigurationError("--selector, --deployment: only one of them can say which pods are controllers")
    flags = {
        "store.url": store,
        "watch.record": record,
        "kubernetes.kubeconfig": kubeconfig,
        "kubernetes.contexts": context,
        "kubernetes.cluster": cluster,
        "kubernetes.user": user,
        "kubernetes.namespaces": "" if all_namespaces else namespace,
        "kubernetes.selector": selector,
        "kubernetes.deployments": deployment,
        "kubernetes.impersonate": impersonate,
        "kubernetes.request_timeout_seconds": request_timeout,
    }
    if not all_namespaces and namespace is None:
        del flags["kubernetes.namespaces"]

    def load_now() -> Loaded:
        return _load(config, rules, flags, from_)

    loaded = load_now()
    settings = loaded.configuration
    set_up_log(settings.log, sys.stderr)

    def load_again() -> Loaded:
        again = load_now()
        set_up_log(again.configuration.log, sys.stderr)
        return again

    calls = CallTally()
    sources = _sources(settings, from_, calls)
    watch = Watch(loaded, sources, version("whystuck"), load=load_again, ends_when_caught_up=once, calls=calls)
    watch.run()


def _sources(settings: Configuration, chosen: Input | None, calls: CallTally) -> list[LiveSource]:
    from functools import partial

    from pipeline.errors import ConfigurationError
    from pipeline.sources.kafka.source import KafkaSource
    from pipeline.sources.objects.cluster_api import object_sources
    from pipeline.sources.pod_logs.source import PodLogSource, connect

    sources: list[LiveSource] = []
    if settings.kafka is not None and chosen is not Input.KUBERNETES:
        sources.append(KafkaSource(settings.kafka))
    if settings.kubernetes is not None and chosen is not Input.KAFKA:
        settings.kubernetes.check()
        counted = partial(connect, tally=calls)
        if settings.kubernetes.pod_logs:
            sources.append(PodLogSource(settings.kubernetes, counted))
        sources += object_sources(settings.kubernetes, counted)
    if not sources:
        raise ConfigurationError(
            "nothing to read: say --from kubernetes, or give the configuration a section `kubernetes`, or a section "
            "`kafka` with bootstrap_servers and topics"
        )
    return sources


def _load(config: Path | None, rules: list[str] | None, flags: dict[str, str | None], chosen: Input | None) -> Loaded:
    import msgspec

    from pipeline.daemon.watch import Loaded
    from pipeline.sources.pod_logs.settings import KubernetesSettings

    loaded = Loaded(*load(config, rules, flags))
    if chosen is Input.KUBERNETES and loaded.configuration.kubernetes is None:
        configuration = msgspec.structs.replace(loaded.configuration, kubernetes=KubernetesSettings())
        return Loaded(configuration, loaded.rules)
    return loaded
