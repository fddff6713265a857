"""`whystuck config`: check a configuration, and show what is in force."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load_rule_files
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from pipeline.config import Configuration

config_app = typer.Typer(help="Check the configuration, and show what is in force.", no_args_is_help=True)


@config_app.command("validate")
def validate_command(
    config: options.Config = None,
    syntax_only: Annotated[
        bool, typer.Option("--syntax-only", help="Do not read the files that settings name: rules, secrets.")
    ] = False,
) -> None:
    """Check file and environment, and the files that they name: everything that is wrong, one line each."""
    from pipeline.config import load_configuration

    configuration = load_configuration(config, os.environ)
    if not syntax_only:
        _check_what_is_named(configuration)
    print(f"{config}: valid" if config is not None else "no configuration file is given; the environment is valid")


@config_app.command("show")
def show_command(
    effective: Annotated[
        bool, typer.Option("--effective", help="Also the settings that nobody decided, with their defaults.")
    ] = False,
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
) -> None:
    """Show the settings with who decided them: default, file or environment. Secrets are hidden."""
    from pipeline.config import trace_configuration
    from pipeline.report.configuration import describe_settings, print_settings, render_yaml

    facts = describe_settings(trace_configuration(config, os.environ), with_defaults=effective)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_settings(facts, sys.stdout)
        elif output is OutputFormat.YAML:
            for line in render_yaml(facts):
                print(line)
        else:
            print_records(facts, output)


def _check_what_is_named(configuration: Configuration) -> None:
    from pipeline.config_files import check_files
    from pipeline.config_reader import Complaints
    from pipeline.delivery.sending.senders import check_receiver
    from pipeline.http.server import create_tls_context
    from pipeline.store.address import read_address

    complaints = Complaints()
    with complaints.gather():
        load_rule_files([Path(file) for file in configuration.rules])
    with complaints.gather():
        read_address(configuration.store.url)
    with complaints.gather():
        check_files(configuration)
        create_tls_context(configuration.http)
    for receiver in configuration.delivery.receivers:
        with complaints.gather():
            check_receiver(receiver)
    complaints.raise_all()
