"""What consumers did with their time, as a table."""

from helpers.random_outcome import WHO
from sim.measure.workers import workers_table


def test_a_row_per_activity_with_its_share_of_all_of_their_time():
    table = workers_table(WHO, {"work": 30.0, "calls": 50.0, "idle": 20.0, "stopped": 0.0})
    assert list(table.columns) == ["system", "group", "activity", "total_s", "share"]
    assert table["activity"].tolist() == ["work", "calls", "idle", "stopped"]
    assert table["total_s"].tolist() == [30.0, 50.0, 20.0, 0.0]
    assert table["share"].tolist() == [0.3, 0.5, 0.2, 0.0]
