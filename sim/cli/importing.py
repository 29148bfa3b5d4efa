"""The commands below ``sim import``: what people have, as a scenario or as a table."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.people import err, for_people, out
from sim.foundation import files
from sim.foundation.errors import LabError

if TYPE_CHECKING:
    from sim.imports.made import Imported
    from sim.imports.measured import Measured

imports = typer.Typer(help="Bring in what you have.", no_args_is_help=True)


class KafkaRole(StrEnum):
    """Whose configuration it is: a consumer or a producer of Kafka."""

    CONSUMER = "consumer"
    PRODUCER = "producer"


class BenchmarkLatency(StrEnum):
    """Which latency of a benchmark's result."""

    PUBLISH = "publish"
    END_TO_END = "end-to-end"


@imports.command("omb")
@for_people
def import_omb(
    workload: Path,
    driver: Annotated[Path | None, typer.Argument(help="A Kafka driver file.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Scenario file; printed if not given.")
    ] = None,
) -> None:
    """A workload of the OpenMessaging Benchmark as a scenario."""
    from sim.imports.omb import scenario

    must_be_new(output)
    said = "The benchmark does not say, or the lab does not take over:"
    _write_imported(scenario(workload, driver), said, output)


@imports.command("omb-result")
@for_people
def import_omb_result(
    result: Annotated[Path, typer.Argument(help="JSON that the benchmark wrote of a run.")],
    of: Annotated[
        BenchmarkLatency, typer.Option("--of", help="Which latency goes into the CSV.")
    ] = BenchmarkLatency.PUBLISH,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV for `latency: {produce: {csv: …}}`.")
    ] = None,
) -> None:
    """What a run of the OpenMessaging Benchmark measured; its latencies for a scenario.

    `sim plot --overlay` lays backlog and end-to-end latency of such a file over a run.
    """
    from sim.imports.omb_result import TOOL, lines, read, table

    must_be_new(output)
    found = read(result)
    made, notes = ("", ()) if output is None else table(result, found, of.value)
    out.print(
        f"{result.name} ({TOOL}): {found.workload or 'no name'} on {found.driver or 'no name'}"
    )
    for line in (*lines(found), *(f"note: {note}" for note in notes)):
        out.print(f"  {line}")
    if output is not None:
        files.write_text(output, made)
        out.print(f"{output}: in a scenario, `latency: {{produce: {{csv: {output}}}}}`")


@imports.command("config")
@for_people
def import_config(
    files_: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files of one system, of any kind.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Scenario file; printed if not given.")
    ] = None,
    client: Annotated[
        KafkaRole | None, typer.Option("--as", help="Whose keys they are, where they do not tell.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Of Spring's documents.")] = None,
) -> None:
    """Your configuration files as a scenario: it says what it takes over, and what it does not.

    Kafka clients (properties, librdkafka's JSON), brokers and Connect; Spring Boot; SQS attributes,
    CloudFormation, SAM, Serverless and Terraform; celeryconfig.py; RabbitMQ's definitions; compose
    files and Kubernetes manifests, with KEDA and Strimzi.
    """
    from sim.imports.config import scenario

    must_be_new(output)
    made = scenario(files_, None if client is None else client.value, profile)
    _write_imported(made, "No file says, or the lab does not take over:", output)


def must_be_new(output: Path | None) -> None:
    """Refuse a file that exists, before there is any work.

    Raises:
        LabError: it does, or its folder cannot be written to.
    """
    if output is None:
        return
    if os.path.lexists(output):
        raise LabError(f"{output} exists, and may hold work of yours; name another file")
    files.check_folder(output.parent)


def _write_imported(made: "Imported", unsaid: str, output: Path | None) -> None:
    from sim.cli.console import warn
    from sim.scenario.load import load

    made.check()
    say = out if output else err
    say.print(made.said)
    say.print(unsaid)
    for line in made.unsaid:
        say.print(f"- {line}")
    if output is None:
        sys.stdout.write(made.yaml)
        return
    files.write_text(output, made.yaml)
    warn(load(output).warnings, err)
    out.print(f"{output}: run it with `sim run {output}`")


@imports.command("lag")
@for_people
def import_lag(
    export: Annotated[
        Path, typer.Argument(help="kafka-consumer-groups, CloudWatch or Prometheus.")
    ],
    into: Annotated[
        str | None,
        typer.Option(metavar="SCENARIO", help="Let this scenario start with the last sample."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for it; printed if not given.")
    ] = None,
) -> None:
    """What an export of lag holds; `sim plot --overlay` lays it over a run.

    With --into, a scenario that starts with what waited at the last sample (`start:`), in the
    groups and queues of the same names. How old the oldest message is, the export says; or it
    follows from the offsets: so long ago the end of the log was where the group is now.

    A snapshot of kafka-consumer-groups has no time of its own: print it with `date -u +%FT%TZ`.
    """
    from sim.cli.console import describe_measured
    from sim.imports.read import read

    if into is None and output is not None:
        raise LabError("-o goes with --into SCENARIO: the scenario that is to start so")
    must_be_new(output)
    measured = read(export)
    if into is None:
        describe_measured(measured, out)
        return
    _write_started(measured, into, output)


def _write_started(measured: "Measured", into: str, output: Path | None) -> None:
    from sim.cli.console import describe_measured, warn
    from sim.foundation.document import dumped
    from sim.imports.waiting import started, waiting
    from sim.scenario.load import load

    made = started(load(into), measured)
    say = out if output else err
    describe_measured(measured, say)
    for one in waiting(measured):
        if one.guessed:
            say.print(
                f"  note: {one.name}: what waits came before the export begins; its age is from "
                "the mean rate since"
            )
    warn(made.warnings, err)
    text = f"# Starts with the last sample of {measured.source}.\n" + dumped(
        made.model_dump(mode="json", by_alias=True)
    )
    if output is None:
        sys.stdout.write(text)
        return
    files.write_text(output, text)
    out.print(f"{output}: run it with `sim run {output}`")
