"""What `--json` prints of runs: the numbers of the tables, and the words beside them."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.results.result import Result


def of_run(result: "Result", label: str, folder: Path) -> dict[str, Any]:
    """A run as plain data, in which NaN is null.

    Args:
        result: what it gave.
        label: ``scenario/run``.
        folder: where it is kept.

    Returns ``scenario``, ``result`` (the label), ``folder``, ``finding`` in words, ``summary`` (a
    mapping for each group, by the columns of the glossary), ``needs`` (as in ``needs.json``; null
    without any), ``usd_per_month`` by system, and ``warnings``.

    Raises:
        LabError: the stored scenario is none to this version of the lab.
    """
    from sim.costs.bill import usd_per_month
    from sim.words.needs_of_run import needs_as_data

    return {
        "scenario": result.name,
        "result": label,
        "folder": str(folder),
        "finding": result.finding,
        "summary": json.loads(result.summary.to_json(orient="records", double_precision=15)),
        "needs": needs_as_data(result.scenario, result.needs) if result.needs else None,
        "usd_per_month": dict(usd_per_month(result.scenario, result.tables)),
        "warnings": list(result.warnings),
    }


def of_comparison(
    results: Sequence["Result"], labels: Sequence[str], charts: Sequence[Path]
) -> dict[str, Any]:
    """Several results: each with what it is called beside the others, and of two what differs.

    Returns ``results`` (each as `of_run`, and ``called``), ``charts``, and of two results
    ``changes`` of the scenario and their ``effects``, in words.
    """
    from sim.words.differences import changes, effects

    data: dict[str, Any] = {
        "results": [
            {"called": label, **of_run(its, its.label, its.folder or Path())}
            for label, its in zip(labels, results, strict=True)
        ],
        "charts": [str(path) for path in charts],
    }
    if len(results) == 2:
        before, after = results
        data["changes"] = changes(before.content, after.content)
        data["effects"] = effects(before.summary, after.summary)
    return data


def say(data: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print it on a line, so that several can follow each other."""
    sys.stdout.write(json.dumps(data, allow_nan=False) + "\n")
