"""What monitoring reads: the file through the parser of Prometheus, the alarms sample by sample."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sim.measure.openmetrics import Gauge, Series, alarm, buffer_remaining, write

T_S = np.arange(8) * 0.5
BUFFER = {"ledger-0": np.array([0, 5, 9, 9, 9, 2, 9, 9]), "ledger-1": np.zeros(8, np.int64)}

# The grammar of OpenMetrics 1.0, as far as gauges go; the parser above forgives more.
_NAME = "[a-zA-Z_][a-zA-Z0-9_]*"
_TEXT = r'(?:[^\n\\"]|\\[n\\"])*'
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LABELS = rf'\{{{_NAME}="{_TEXT}"(?:,{_NAME}="{_TEXT}")*\}}'
_LINE = re.compile(
    rf"# TYPE {_NAME} gauge|# UNIT {_NAME} [a-z_]+|# HELP {_NAME} {_TEXT}"
    rf"|{_NAME}(?:{_LABELS})? (?:{_NUMBER}|[-+]?inf|nan) {_NUMBER}"
)

any_text = st.text(st.characters(exclude_categories=["Cs"]))


def _read(path):
    """Families of a file: (name, type, unit, help, {labels: [(t_s, value)]})."""
    text = path.read_bytes().decode("utf-8")
    *lines, eof, nothing = text.split("\n")
    assert (eof, nothing) == ("# EOF", "")
    assert [line for line in lines if not _LINE.fullmatch(line)] == []
    found = []
    for family in text_string_to_metric_families(text):
        series = {}
        for sample in family.samples:
            assert sample.name == family.name
            labels = tuple(sample.labels.items())
            series.setdefault(labels, []).append((float(sample.timestamp), sample.value))
        found.append((family.name, family.type, family.unit, family.documentation, series))
    return found


def test_a_gauge_and_its_alarm_come_back_from_the_parser_of_prometheus(tmp_path):
    gauge = buffer_remaining(T_S, BUFFER)
    write(tmp_path / "buffer.om", [gauge, alarm(gauge, 8, for_s=0.5)])
    buffer, on = _read(tmp_path / "buffer.om")
    name = "kafka_producer_buffer_remaining_records"
    assert buffer[:4] == (name, "gauge", "records", gauge.help)
    assert buffer[4] == {
        (("client_id", client),): list(zip(T_S.tolist(), value.tolist(), strict=True))
        for client, value in BUFFER.items()
    }
    why = f"1 while {name} has been over 8 for 0.5 s."
    assert on[:4] == ("kafka_producer_buffer_remaining_alarm", "gauge", "", why)
    assert {labels: [v for _, v in samples] for labels, samples in on[4].items()} == {
        (("client_id", "ledger-0"),): [0, 0, 0, 1, 1, 0, 0, 1],
        (("client_id", "ledger-1"),): [0] * 8,
    }


def test_the_text_is_as_the_standard_has_it(tmp_path):
    path = tmp_path / "one.om"
    path.write_text("old")
    series = Series({"queue": "a", "host": "b"}, T_S[:2], np.array([7, 8]))
    write(path, [Gauge("depth", "How deep.", (series,), "bytes")], start_s=1e9)
    assert path.read_text() == (
        "# TYPE depth_bytes gauge\n"
        "# UNIT depth_bytes bytes\n"
        "# HELP depth_bytes How deep.\n"
        'depth_bytes{queue="a",host="b"} 7 1000000000.0\n'
        'depth_bytes{queue="a",host="b"} 8 1000000000.5\n'
        "# EOF\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "one.om"
    write(path, [])
    broken = Series({}, T_S, np.zeros(3))
    with pytest.raises(ValueError, match="shorter"):
        write(path, [Gauge("depth", "How deep.", (broken,))])
    assert path.read_text() == "# EOF\n"
    with pytest.raises(OSError, match="absent"):
        write(tmp_path / "absent" / "one.om", [])


@settings(deadline=None)
@given(
    labels=st.lists(any_text, unique=True, max_size=3),
    values=st.lists(st.floats(), min_size=1, max_size=4),
    about=any_text.map(str.strip).filter(len),
)
def test_any_text_and_any_value_survive(tmp_path_factory, labels, values, about):
    path = tmp_path_factory.mktemp("om") / "any.om"
    t_s = np.arange(len(values)) * 0.5
    series = tuple(Series({"client_id": label}, t_s, np.array(values)) for label in labels)
    write(path, [Gauge("x", about, series)])
    ((name, kind, unit, read_about, read),) = _read(path)
    assert (name, kind, unit, read_about) == ("x", "gauge", "", about)
    assert list(read) == [(("client_id", label),) for label in labels]
    for samples in read.values():
        assert [t for t, _ in samples] == t_s.tolist()
        np.testing.assert_array_equal([v for _, v in samples], values)
