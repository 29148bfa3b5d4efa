"""What was done to a system."""

from math import inf

from sim.measure.incidents import faults_table


def test_rows_are_in_order_of_time():
    table = faults_table("s", [(5.0, inf, "slow"), (1.0, 2.0, "crash b"), (1.0, 2.0, "crash a")])
    assert table.to_numpy().tolist() == [
        ["s", 1.0, 2.0, "crash a"], ["s", 1.0, 2.0, "crash b"], ["s", 5.0, inf, "slow"]
    ]  # fmt: skip


def test_without_faults_the_columns_are_the_same():
    some, none = faults_table("s", [(5.0, inf, "slow")]), faults_table("s", [])
    assert len(none) == 0
    assert none.dtypes.to_dict() == some.dtypes.to_dict()
