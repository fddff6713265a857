"""`whystuck watch`: the daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load

if TYPE_CHECKING:
    from pipeline.daemon.watch import Loaded

Once = Annotated[
    bool,
    typer.Option("--once", help="Read what is there now and end, as a replay does; the store stays as it is then."),
]


def watch_command(
    config: options.Config = None,
    rules: options.Rules = None,
    store: options.Store = None,
    *,
    once: Once = False,
) -> None:
    """Read controller logs as they come, and keep incidents in the store, until a signal ends it.

    SIGTERM and Ctrl-C: what was read is committed, then it ends; a second one ends it at once, and nothing is lost
    either. SIGHUP: configuration and rules are read anew; where they are wrong, those in force stay.
    """
    from importlib.metadata import version

    from pipeline.daemon.watch import Watch
    from pipeline.errors import ConfigurationError
    from pipeline.own_log.setup import set_up_log
    from pipeline.sources.kafka.source import KafkaSource

    loaded = _load(config, rules, store)
    settings = loaded.configuration
    set_up_log(settings.log, sys.stderr)
    if settings.kafka is None:
        raise ConfigurationError(
            "nothing to read: the configuration has no section `kafka`; it needs bootstrap_servers and topics"
        )

    def load_again() -> Loaded:
        again = _load(config, rules, store)
        set_up_log(again.configuration.log, sys.stderr)
        return again

    watch = Watch(loaded, [KafkaSource(settings.kafka)], version("whystuck"), load=load_again, ends_when_caught_up=once)
    watch.run()


def _load(config: Path | None, rules: list[str] | None, store: str | None) -> Loaded:
    from pipeline.daemon.watch import Loaded

    return Loaded(*load(config, rules, {"store.url": store}))
