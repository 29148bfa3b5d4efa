"""What people have: exports of lag to lay over a run, and workloads of another benchmark.

`read` finds out by the content which of the formats a file has:

- ``kafka-consumer-groups --describe``, one snapshot or several with a time before each
  (`sim.imports.consumer_groups`);
- Amazon CloudWatch's metrics of SQS, the console's CSV or the JSON of ``get-metric-data``
  (`sim.imports.cloudwatch`);
- the JSON of a Prometheus range query (`sim.imports.prometheus`).

`sim.imports.omb` turns a workload of the OpenMessaging Benchmark into a scenario.
"""

import json
from pathlib import Path

from sim.errors import LabError
from sim.imports.measured import Measured, complaint

__all__ = ["Measured", "complaint", "read"]

_FORMATS = (
    "the output of `kafka-consumer-groups --describe`, CloudWatch metrics of SQS (the console's "
    "CSV, or `aws cloudwatch get-metric-data`), or a Prometheus range query"
)


def read(path: str | Path) -> Measured:
    """Lag as it was measured.

    Raises:
        LabError: the file cannot be read or has none of the formats, or a value in it is wrong.
    """
    from sim.imports import cloudwatch, consumer_groups, prometheus

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise complaint(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise complaint(path, f"not text in UTF-8; expected {_FORMATS}") from None
    if text.lstrip()[:1] in ("{", "["):
        data = _json(path, text)
        for reader in (prometheus.from_json, cloudwatch.from_json):
            measured = reader(path, data)
            if measured is not None:
                return measured
    elif "CURRENT-OFFSET" in text:
        return consumer_groups.from_text(path, text)
    elif cloudwatch.is_csv(text):
        return cloudwatch.from_csv(path, text)
    raise complaint(path, f"expected {_FORMATS}")


def _json(path: Path, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise LabError(f"{path}:{error.lineno}: unreadable JSON: {error.msg}") from None
