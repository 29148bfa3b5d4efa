"""Lag asked of a running Prometheus, or of whatever answers as one (Mimir, Thanos, Victoria).

A range query by its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
"""

import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from sim.foundation.errors import LabError
from sim.imports.measured import MOST_BYTES, Measured, json_of
from sim.imports.prometheus import from_json

METRICS = (
    "kafka_consumergroup_lag",
    "kafka_consumergroup_group_lag",
    "kminion_kafka_consumer_group_topic_lag",
    "rabbitmq_queue_messages",
    "aws_sqs_approximate_number_of_messages_visible_maximum",
)
"""What exporters call lag or depth: kafka_exporter, kafka-lag-exporter, kminion, RabbitMQ's own and
YACE for SQS. Asked for if no query is given."""
SINCE_S = 6 * 3600.0
WAIT_S = 30.0
_POINTS = 600
"""Samples of a series that are asked for, about."""
_LEAST_STEP_S = 15.0


def is_address(words: str) -> bool:
    """Whether it is an address and no file."""
    return words.startswith(("http://", "https://"))


def ask(
    address: str,
    query: str | None = None,
    since_s: float = SINCE_S,
    now: Callable[[], float] = time.time,
) -> Measured:
    """Lag of the last ``since_s`` seconds.

    Args:
        address: of the server, such as http://prometheus:9090; a path before /api is kept.
        query: in PromQL; None: any of `METRICS`.
        since_s: so far back, s.
        now: seconds since 1970.

    Raises:
        LabError: it does not answer, refuses the query, or knows no such series.
    """
    asked = query or f'{{__name__=~"{"|".join(METRICS)}"}}'
    until_s = now()
    step_s = max(_LEAST_STEP_S, since_s / _POINTS)
    given = {"query": asked, "start": until_s - since_s, "end": until_s, "step": step_s}
    url = f"{address.rstrip('/')}/api/v1/query_range?{urlencode(given)}"
    host = Path(urlsplit(address).netloc or address)
    text = _answer(address, Request(url, headers={"Accept": "application/json"}))
    measured = from_json(host, json_of(host, text))
    if measured is None:
        raise LabError(f"{address}: that is no answer of Prometheus")
    return measured


def _answer(address: str, request: Request) -> str:
    try:
        with urlopen(request, timeout=WAIT_S) as reply:
            body: bytes = reply.read(MOST_BYTES + 1)
    except HTTPError as error:
        body = error.read(MOST_BYTES)  # Prometheus says in JSON what is wrong with a query
        if not body.lstrip().startswith(b"{"):
            raise LabError(f"{address}: answers {error.code} {error.reason}") from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", error)
        raise LabError(f"{address}: cannot be asked: {why}") from None
    if len(body) > MOST_BYTES:
        raise LabError(f"{address}: the answer is too long; ask for fewer series, or --since less")
    return body.decode("utf-8", "replace")
