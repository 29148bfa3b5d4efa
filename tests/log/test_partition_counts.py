import pytest

from sim.log.partition_counts import PartitionCounts


def test_partitions_are_there_from_the_moment_on_at_which_they_are_added():
    counts = PartitionCounts(4, [(10.0, 6), (20.0, 9)])
    assert [counts.at(s) for s in (0.0, 9.999, 10.0, 19.0, 20.0, 1e9)] == [4, 4, 6, 6, 9, 9]
    assert (counts.first, counts.most) == (4, 9)
    assert PartitionCounts(3).at(1e9) == PartitionCounts(3).most == 3


@pytest.mark.parametrize("added", [[(10.0, 3)], [(20.0, 6), (10.0, 7)], [(10.0, 6), (20.0, 5)]])
def test_they_are_not_taken_away_and_come_in_order_of_time(added):
    with pytest.raises(AssertionError):
        PartitionCounts(4, added)
