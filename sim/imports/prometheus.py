"""The answer of a Prometheus range query, ``/api/v1/query_range``: a matrix of lag.

Series whose labels name the same group are its partitions: messages add up, and of ages the oldest
counts. -1 is what exporters say of a partition without a committed offset.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from sim.foundation.units import shown
from sim.imports.measured import Measure, Measured, Sample, amount, complaint, instant, part

TOOL = "Prometheus"
GROUP_LABELS = (
    "consumergroup", "group", "group_id", "consumer_group", "consumerGroup", "queue", "queue_name",
    "dimension_QueueName",
)  # fmt: skip
"""Labels that name a group or queue, of kafka_exporter, kminion, kafka-lag-exporter and others."""
NO_COMMIT = "samples of -1 (no committed offset) are not in it"

_OF_A_PART = {"topic", "partition", "instance", "job", "__name__", "client_id", "consumer_id"}


def from_json(path: Path, data: object) -> Measured | None:
    """The answer of a range query; None if it is something else.

    Raises:
        LabError: an error of Prometheus, another kind of query, or a value that is no number.
    """
    if not isinstance(data, dict) or data.get("status") not in ("success", "error"):
        return None
    if data["status"] == "error":
        raise complaint(path, f"Prometheus reported an error: {data.get('error', 'no reason')}")
    answer = part(path, data, "data", dict, "")
    if answer.get("resultType") != "matrix":
        raise complaint(
            path,
            f"expected a range query (/api/v1/query_range), not one whose resultType is "
            f"{answer.get('resultType')!r}",
            None,
            "data",
        )
    series = [
        (
            _labels(path, one, f"data.result[{i}]"),
            part(path, one, "values", list, f"data.result[{i}]"),
        )
        for i, one in enumerate(part(path, answer, "result", list, "data"))
    ]
    names = {labels.get("__name__", "") for labels, _ in series}
    for measure in ("lag", "time_lag_s"):
        alike = sorted(name for name in names if _measure(name) == measure)
        if len(alike) > 1:
            message = f"more than one metric of the same thing ({', '.join(alike)}); query one"
            raise complaint(path, message, None, "data.result")
    notes: list[str] = []
    samples = list(_samples(path, series, notes))
    queues = any(
        {"queue", "queue_name", "dimension_QueueName"} & set(labels) for labels, _ in series
    )
    measured = Measured.of(path, TOOL, "queue" if queues else "log", samples, notes)
    return replace(measured, parts=_parts(path, series))


def _parts(
    path: Path, series: Sequence[tuple[Mapping[str, str], list[Any]]]
) -> pd.DataFrame | None:
    """The lag of each partition, as `Measured.parts`; None: no series is of one.

    Offsets are not in it, nor who has a partition.
    """
    rows = [
        (
            _name(labels),
            f"{labels['topic']}-{labels['partition']}",
            instant(amount(path, None, "", at), path),
            amount(path, None, "", lag),
        )
        for labels, values in series
        if {"topic", "partition"} <= labels.keys() and _measure(labels.get("__name__", "")) == "lag"
        for at, lag in values
        if lag != "-1"
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["name", "part", "at", "lag"]).dropna()
    frame = frame.assign(end=nan, committed=nan, consumer="")
    return frame.sort_values("at", kind="stable", ignore_index=True)


def _labels(path: Path, series: object, where: str) -> Mapping[str, str]:
    labels = part(path, series, "metric", dict, where)
    return {key: part(path, labels, key, str, f"{where}.metric") for key in labels}


def _samples(
    path: Path, series: Sequence[tuple[Mapping[str, str], list[Any]]], notes: list[str]
) -> Iterator[Sample]:
    for i, (labels, values) in enumerate(series):
        measure = _measure(labels.get("__name__", ""))
        name = _name(labels)
        for k, pair in enumerate(values):
            where = f"data.result[{i}].values[{k}]"
            if not isinstance(pair, list) or len(pair) != 2:
                message = f"expected [time, value], not {shown(pair)}"
                raise complaint(path, message, None, where)
            if pair[1] == "-1":
                notes.append(NO_COMMIT)
                continue
            at = instant(amount(path, None, where, pair[0]), path, None, where)
            yield Sample(name, measure, at, amount(path, None, where, pair[1]))


def _measure(metric: str) -> Measure:
    return (
        "time_lag_s" if metric.endswith(("_seconds", "_age_of_oldest_message_maximum")) else "lag"
    )


def _name(labels: Mapping[str, str]) -> str:
    for label in GROUP_LABELS:
        if label in labels:
            return labels[label]
    others = [value for key, value in labels.items() if key not in _OF_A_PART]
    return " ".join(others) or labels.get("topic", "") or labels.get("__name__", "") or "lag"
