"""Results side by side."""

import pytest

import sim
from sim.foundation.errors import LabError


def test_compare_is_one_table_and_names_what_differs(spike, result):
    slow = sim.run(spike.with_({"systems.kafka.topic.partitions": 100}))
    both = sim.compare([result, slow])
    names = ["kafka.topic.partitions=12", "kafka.topic.partitions=100"]
    assert list(both.results) == names
    assert list(both.summary["run"].unique()) == names
    assert len(both.summary) == len(result.summary) + len(slow.summary)
    assert both.plot()[0].figure
    assert both.plane() and both.plane("throughput")
    assert names[1] in repr(both) and names[1] in both._repr_html_()
    assert result.plot.compare(slow)
    assert list(sim.compare({"a": result, "b": slow}).results) == ["a", "b"]
    with pytest.raises(LabError, match="nothing to compare"):
        sim.compare([])
