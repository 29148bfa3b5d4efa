"""Limits that acted, as a table."""

from sim.engine.waits import Limit
from sim.measure.limits import limits_table


def test_a_row_per_limit_the_earliest_first():
    late = Limit(
        "prefetch_count", "queues.q.prefetch_count", "1", "", "left workers idle", 3, 9, 20
    )
    early = late._replace(key="consumer_timeout", first_s=2.0)
    table = limits_table({"system": "s", "group": "g"}, [late, early])
    assert table["key"].tolist() == ["consumer_timeout", "prefetch_count"]
    assert table.iloc[1].to_dict() == {"system": "s", "group": "g", **late._asdict()}
