"""`sim cost`: what the systems of a result would cost, and which is worth its price."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.people import for_people, out, width_of
from sim.foundation import files
from sim.foundation.text import count

if TYPE_CHECKING:
    import pandas as pd

    from sim.costs.prices import Prices

CHART = "worth"
"""Name of the picture, in the charts of the result."""


@for_people
def cost(
    result: Annotated[str, typer.Argument(metavar="RESULT")],
    prices: Annotated[
        Path | None,
        typer.Option(help="File with prices of your own, in the form of sim/costs/prices.yaml."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the bills as JSON.")] = False,
    charts: Annotated[bool, typer.Option(help="Draw the picture.")] = True,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
) -> None:
    """What each system of a result would cost a month, line by line, and what is worth paying.

    A month has 730 hours like those in which the run's messages came. List prices of AWS, each with
    its source; what no official page was found for is marked.
    """
    from sim.costs import prices as shipped
    from sim.costs.bill import bill_table
    from sim.results.store import find, read
    from sim.words.worth import finding, notes, offers

    at = shipped.prices() if prices is None else shipped.read_prices(prices)
    folder = find(result, out_)
    its = read(folder)
    table = bill_table(its.scenario, its.tables, at)
    months = {str(name): float(usd) for name, usd in totals(table).items()}
    unmet = {one.system: [judged.need for judged in one.unmet] for one in its.needs}
    found = offers(its.summary, months, unmet)
    none = all(one.unmet for one in found)
    said = f"None of these meets all that is needed. {finding(found)}" if none else finding(found)
    if json_:
        out.print(json.dumps(as_data(table, months, at, said, unmet), indent=2))
        return
    for line in lines(table, months, at):
        out.print(line)
    out.print()
    for words in (f"{said}.", *notes(found)):
        out.print(fill(words, width_of(out)))
    if charts and any(one.p99_s < float("inf") for one in found):
        from matplotlib.figure import Figure

        from sim.charts.files import write
        from sim.charts.page import style
        from sim.charts.worth import worth

        to = folder / "charts"
        files.check_folder(to)
        to.mkdir(parents=True, exist_ok=True)
        with style():
            figure = worth(found, title=its.label).figure
            assert isinstance(figure, Figure)
            paths = write(figure, to / CHART)
        out.print()
        for path in paths:
            out.print(str(path))


def totals(table: "pd.DataFrame") -> "pd.Series":
    """[systems] what each costs a month, USD."""
    return table.groupby("system", sort=False)["usd_per_month"].sum()


def lines(table: "pd.DataFrame", months: Mapping[str, float], at: "Prices") -> Iterator[str]:
    """The bills, a line for each thing that is billed, in 80 columns."""
    yield f"USD a month of {at.hours_per_month:g} hours like those of the run, {at.region}."
    rough: dict[str, str] = {}
    for system, rows in table.groupby("system", sort=False):
        yield ""
        yield f"{system:<58} {months[str(system)]:>12,.2f}"
        for row in rows.to_dict("records"):
            mark = "*" if row["assumption"] else " "
            what = _how_much(row, at.hours_per_month)
            yield f"  {row['what']:<22} {what:<33} {row['usd_per_month']:>12,.2f} {mark}"
            if row["assumption"]:
                rough[str(row["what"])] = ""
    if rough:
        yield ""
        yield "* No official page was found to back the price. Sources: sim/costs/prices.yaml"
        yield f"  (of {at.date}), or --json; yours: --prices FILE."


def _how_much(row: Mapping[Any, Any], hours: float) -> str:
    """How much of it a month takes, and what one costs: "3 at 0.204 an hour"."""
    n, unit, price = row["quantity"], row["unit"], row["price"]
    if unit == "hours":
        return f"{n:g} at {price:g} an hour"
    if unit == "requests":
        return f"{count(n * hours)} at {price * 1e6:g} a million"
    return f"{n * hours:,.4g} {unit} at {price:g}"


def as_data(
    table: "pd.DataFrame",
    months: Mapping[str, float],
    at: "Prices",
    said: str,
    unmet: Mapping[str, Sequence[str]],
) -> Mapping[str, Any]:
    """The same as plain data; ``unmet`` of a system without needs is null."""
    return {
        "currency": at.currency,
        "region": at.region,
        "date": at.date,
        "hours_per_month": at.hours_per_month,
        "said": said,
        "systems": {
            system: {
                "usd_per_month": usd,
                "unmet_needs": list(unmet[system]) if system in unmet else None,
                "bill": [
                    {key: value for key, value in row.items() if key != "system"}
                    for row in table[table["system"] == system].to_dict("records")
                ],
            }
            for system, usd in months.items()
        },
    }
