"""A pipeline in sentences: what got through, when, and in which stage the time went."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isnan

import pandas as pd

from sim.foundation.text import count, duration, share

Way = Sequence[tuple[str, str]]
"""System and group of the stages of a pipeline, the first one first."""


def ways(pipeline: pd.DataFrame) -> list[Way]:
    """The pipelines of a run, each to another last stage, of two stages at least.

    Args:
        pipeline: the table of `sim.measure.pipeline`.
    """
    if "behind" not in pipeline:
        return []
    rows = {f"{row['system']}.{row['group']}": row for row in pipeline.to_dict("records")}
    before = {str(row["behind"]) for row in rows.values()}
    found: list[Way] = []
    for name, last in rows.items():
        if name in before or not last["behind"]:
            continue
        way = [name]
        while (behind := str(rows[way[0]]["behind"])) and behind in rows:
            way.insert(0, behind)
        found.append([(str(rows[one]["system"]), str(rows[one]["group"])) for one in way])
    return found


def about_pipeline(pipeline: pd.DataFrame, summary: pd.DataFrame) -> str:
    """Where messages wait: of each pipeline, the stage at which most do."""
    lags = summary.set_index(["system", "group"])["max_lag"]
    most = [max(way, key=lambda stage: lags[stage]) for way in ways(pipeline)]
    said = [f"{'.'.join(stage)} ({count(lags[stage])})" for stage in most]
    return f"Where most messages wait at one time: {', '.join(said)}"


def end_to_end(pipeline: pd.DataFrame) -> Iterator[str]:
    """A sentence for each last stage of a run; none where nothing is behind anything.

    Args:
        pipeline: the table of `sim.measure.pipeline`.
    """
    if "behind" not in pipeline:
        return
    rows = {f"{row['system']}.{row['group']}": row for row in pipeline.to_dict("records")}
    for stages in ways(pipeline):
        way = [".".join(stage) for stage in stages]
        last = rows[way[-1]]
        through = f"{count(last['processed'])} of {count(last['produced'])}"
        said = f"End to end, {' > '.join(way)}: {through} messages get through"
        if last["processed"]:
            said += f", half of them within {duration(last['p50_s'])}, 99 % within "
            said += duration(last["p99_s"])
        yield said + "."
        if last["processed"] and len({rows[stage]["processed"] for stage in way}) == 1:
            # A mean over all that came to a stage is none over those that got through to the end.
            means_s = [0.0, *(float(rows[stage]["mean_s"]) for stage in way)]
            of_stage = [after - so_far for so_far, after in pairwise(means_s)]
            most = max(range(len(way)), key=of_stage.__getitem__)
            its = share(of_stage[most], means_s[-1])
            yield f"Of the mean time end to end, {its} is in {way[most]}."
        for stage, after in pairwise(way):
            if rows[stage].get("held_up"):
                yield (
                    f"{after} is the bottleneck: at {count(rows[stage]['held_up'])} messages "
                    f"{stage} waited until it took what came of them, for "
                    f"{duration(rows[stage]['held_up_s'])} in all."
                )
        if last["duplicates"] or last["out_of_order"] > 0:
            yield (
                f"At the end, {count(last['duplicates'])} effects are duplicates"
                + (
                    "."  # messages without a key have no order
                    if isnan(last["out_of_order"])
                    else f", and {count(last['out_of_order'])} messages are out of order."
                )
            )
