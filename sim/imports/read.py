"""What people have: exports of lag to lay over a run, workloads of a benchmark, configurations.

`read` finds out by the content which of the formats a file has:

- ``kafka-consumer-groups --describe``, one snapshot or several with a time before each
  (`sim.imports.kafka_consumer_groups`);
- Amazon CloudWatch's metrics of SQS, the console's CSV or the JSON of ``get-metric-data`` and
  ``get-metric-statistics`` (`sim.imports.cloudwatch`);
- a panel of Grafana as CSV (`sim.imports.grafana`);
- the JSON of a Prometheus range query (`sim.imports.prometheus`);
- a result of the OpenMessaging Benchmark (`sim.imports.omb_result`), with its latencies.

`sim.imports.prometheus_server` asks a running Prometheus, `sim.imports.omb` turns a workload of the
OpenMessaging Benchmark into a scenario, and `sim.imports.config` the configuration of a Kafka
client or of an SQS queue.
"""

from pathlib import Path

from sim.imports.measured import Measured, complaint, json_of, text_of

__all__ = ["Measured", "complaint", "read"]

_FORMATS = (
    "the output of `kafka-consumer-groups --describe`, CloudWatch metrics of SQS (the console's "
    "CSV, `aws cloudwatch get-metric-data` or get-metric-statistics), a Prometheus range query, a "
    "panel of Grafana as CSV, or a result of the OpenMessaging Benchmark"
)


def read(path: str | Path) -> Measured:
    """Lag as it was measured.

    Raises:
        LabError: the file cannot be read or has none of the formats, or a value in it is wrong.
    """
    from sim.imports import cloudwatch, grafana, omb_result, prometheus
    from sim.imports import kafka_consumer_groups as consumer_groups

    path = Path(path)
    text = text_of(path, _FORMATS)
    if text.lstrip()[:1] in ("{", "["):
        data = json_of(path, text)
        for reader in (
            omb_result.measured,
            prometheus.from_json,
            cloudwatch.from_json,
            cloudwatch.from_statistics,
        ):
            measured = reader(path, data)
            if measured is not None:
                return measured
    elif "CURRENT-OFFSET" in text:
        return consumer_groups.from_text(path, text)
    elif cloudwatch.is_csv(text):
        return cloudwatch.from_csv(path, text)
    elif grafana.is_csv(text):
        return grafana.from_csv(path, text)
    raise complaint(path, f"expected {_FORMATS}")
