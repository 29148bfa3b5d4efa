"""Amazon CloudWatch's metrics of SQS queues.

The console's "Download as .csv" has some rows of labels (``Id``, ``Full label``, ``Label``, …), a
column per metric, then a row per time. ``aws cloudwatch get-metric-data --output json`` gives
``MetricDataResults``, each with ``Label``, ``Timestamps`` (the newest first) and ``Values``
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html).
``aws cloudwatch get-metric-statistics`` gives ``Label``, which is the metric, and ``Datapoints``,
in no order, each with ``Timestamp`` and the statistics that were asked for
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html).

Depth is Visible + NotVisible, as the lab's is ready + in flight.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sim.foundation.errors import nearest
from sim.imports.measured import Measure, Measured, Sample, amount, complaint, instant, part

TOOL = "CloudWatch"
METRICS: Mapping[str, Measure] = {
    "ApproximateNumberOfMessagesNotVisible": "lag",
    "ApproximateNumberOfMessagesVisible": "lag",
    "ApproximateAgeOfOldestMessage": "time_lag_s",
}
"""Metrics of AWS/SQS that are laid over a run."""
NOT_VISIBLE, VISIBLE, _ = METRICS
STATISTICS = ("Maximum", "Average", "Minimum", "Sum")
"""Statistics of a data point, the one that is taken first."""
NO_QUEUE = "get-metric-statistics does not say of which queue"
UTC = "times without an offset are taken for UTC; the console shows those of its own setting"

_MOST_WORDS, _MOST_LETTERS = 1_000, 1_000
_TIME = re.compile(r"\d{4}[/-]\d\d[/-]\d\d[T ]\d\d:\d\d")
_QUEUE = re.compile(r"QueueName:(?P<queue>\S+) (?P<metric>\S+)")


def is_csv(text: str) -> bool:
    """Whether it may be a CSV of metrics: one of them is named before the first time."""
    head = text[:10_000]
    time = _TIME.search(head)
    return "," in head and "Approximate" in (head[: time.start()] if time else head)


def from_csv(path: Path, text: str) -> Measured:
    """The console's download.

    Raises:
        LabError: no metric of a queue, a time or a number that is none.
    """
    labels: dict[str, list[str]] = {}
    samples: list[Sample] = []
    columns: list[tuple[str, str] | None] = []
    skipped: list[str] = []
    for number, row in _rows(path, text):
        if not any(row):
            continue
        if not _TIME.match(row[0]):
            if samples:
                message = f"expected a time such as 2024/05/01 20:00:00, not {row[0]!r}"
                raise complaint(path, message, number)
            labels[row[0]] = row[1:]
            continue
        if not columns:
            best = labels.get("Full label") or labels.get("Label") or next(iter(labels.values()))
            columns = [_what(label, skipped) for label in best]
            _some(path, columns, best)
        at = instant(row[0].replace("/", "-"), path, number)
        for column, text_ in zip(columns, row[1:], strict=False):
            if column is not None and text_.strip():
                queue, metric = column
                value = amount(path, number, metric, text_)
                samples.append(Sample(queue, METRICS[metric], at, value))
    notes = [*_notes(columns, skipped), UTC]
    return Measured.of(path, TOOL, "queue", samples, notes, complete=True)


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines())
    try:
        yield from enumerate(reader, 1)
    except csv.Error as error:
        raise complaint(path, f"cannot be read as CSV: {error}", reader.line_num) from None


def from_json(path: Path, data: object) -> Measured | None:
    """The answer of ``get-metric-data``; None if it is something else.

    Raises:
        LabError: no metric of a queue, a time or a number that is none.
    """
    if not isinstance(data, dict) or not isinstance(data.get("MetricDataResults"), list):
        return None
    results: Sequence[object] = data["MetricDataResults"]
    skipped: list[str] = []
    said = [
        f"{part(path, result, 'Label', str, where)} {part(path, result, 'Id', str, where)}"
        for where, result in ((f"MetricDataResults[{i}]", r) for i, r in enumerate(results))
    ]
    columns = [_what(words, skipped) for words in said]
    _some(path, columns, said)
    samples = list(_results(path, results, columns))
    return Measured.of(path, TOOL, "queue", samples, _notes(columns, skipped), complete=True)


def from_statistics(path: Path, data: object) -> Measured | None:
    """The answer of ``get-metric-statistics``; None if it is something else.

    It does not say which queue it is about. Of several statistics the largest is taken.

    Raises:
        LabError: no metric of a queue, a time or a number that is none.
    """
    if not isinstance(data, dict) or not isinstance(data.get("Datapoints"), list):
        return None
    label = part(path, data, "Label", str, "")
    skipped: list[str] = []
    column = _what(label, skipped)
    _some(path, [column], [label])
    assert column is not None
    queue, metric = column
    samples = []
    for i, point in enumerate(data["Datapoints"]):
        where = f"Datapoints[{i}]"
        at = instant(part(path, point, "Timestamp", str, where), path, None, f"{where}.Timestamp")
        key = next((key for key in STATISTICS if key in point), None)
        if key is None:
            known = ", ".join(STATISTICS)
            raise complaint(path, f"none of the statistics {known}", None, where)
        value = amount(path, None, f"{where}.{key}", point[key])
        samples.append(Sample(queue, METRICS[metric], at, value))
    return Measured.of(path, TOOL, "queue", samples, [NO_QUEUE, *_notes([column], skipped)])


def _results(
    path: Path, results: Sequence[object], columns: Sequence[tuple[str, str] | None]
) -> Iterator[Sample]:
    for i, (result, column) in enumerate(zip(results, columns, strict=True)):
        if column is None:
            continue
        queue, metric = column
        where = f"MetricDataResults[{i}]"
        times = part(path, result, "Timestamps", list, where)
        values = part(path, result, "Values", list, where)
        if len(times) != len(values):
            message = f"{len(times)} Timestamps and {len(values)} Values; expected as many"
            raise complaint(path, message, None, where)
        for k, (time, value) in enumerate(zip(times, values, strict=True)):
            number = amount(path, None, f"{where}.Values[{k}]", value)
            at = instant(time, path, None, f"{where}.Timestamps[{k}]")
            yield Sample(queue, METRICS[metric], at, number)


def _what(label: str, skipped: list[str]) -> tuple[str, str] | None:
    """Queue and metric that a label names; None, and the label in `skipped`, if it names none."""
    metric = next((m for m in METRICS if m.lower() in label.lower()), None)
    if metric is None:
        other = _QUEUE.search(label)
        skipped.append(other["metric"] if other else label.strip())
        return None
    if named := _QUEUE.search(label):
        return named["queue"], metric
    rest = re.sub(metric, " ", label, flags=re.IGNORECASE).split()
    return (rest[0] if rest and not re.fullmatch(r"[mq]\d+", rest[0]) else "queue"), metric


def _some(path: Path, columns: Sequence[tuple[str, str] | None], labels: Sequence[str]) -> None:
    if any(columns):
        return
    words = [word for label in labels for word in label.split()][:_MOST_WORDS]
    near = next((nearest(word, METRICS) for word in words if nearest(word, METRICS)), None)
    hint = f"did you mean {near}?" if near else f"known: {', '.join(METRICS)}"
    said = ", ".join(label.strip() for label in labels) or "it"
    if len(said) > _MOST_LETTERS:
        said = f"{said[:_MOST_LETTERS]}…"
    raise complaint(
        path,
        f"no metric of a queue in {said}; {hint} "
        "(set the label to ${PROP('Dim.QueueName')} ${PROP('MetricName')})",
    )


def _notes(columns: Sequence[tuple[str, str] | None], skipped: Sequence[str]) -> Iterator[str]:
    if skipped:
        yield f"left out: {', '.join(skipped)}"
    metrics = {metric for _, metric in filter(None, columns)}
    for one, other in ((VISIBLE, NOT_VISIBLE), (NOT_VISIBLE, VISIBLE)):
        if one in metrics and other not in metrics:
            yield f"{other} is not in it, and so the depth is {one} alone"
