"""The search for the fewest workers that keep the pace."""

from dataclasses import replace

import pytest

from helpers.advice import GOOD, trial
from sim.advice.search import Search


def crowd(needed, most=1_000, mean_rate=100.0):
    """A search among groups of which each keeps the pace from a number of workers on."""

    def run(workers):
        return trial(
            *(
                replace(
                    GOOD,
                    group=g,
                    workers=n,
                    delay_s=1.0 if n >= needed[g] else 1e3 / n,
                    rate_per_s=2.0 * n,
                )
                for g, n in workers.items()
            )
        )

    return Search(
        list(needed),
        run,
        lambda seen: seen.delay_s <= 1.0,
        most,
        dict.fromkeys(needed, mean_rate),
    )


@pytest.mark.parametrize("needed", [1, 2, 3, 7, 13, 16, 49, 50, 51])
def test_the_search_finds_the_fewest_workers(needed):
    search = crowd({"a": needed})
    search.double()
    found = search.bisect().workers["a"]
    assert needed <= found <= needed + max(0, needed // 16)
    if needed <= 16:
        assert found == needed
    assert len(search.trials) <= 10


def test_the_search_is_for_every_group_by_itself():
    search = crowd({"a": 3, "b": 11, "c": 1})
    search.double()
    assert search.bisect().workers == {"a": 3, "b": 11, "c": 1}


def test_what_one_worker_got_through_tells_where_to_go_on():
    search = crowd({"a": 60})
    search.double()
    assert [t.workers["a"] for t in search.trials] == [1, 50, 100]


def test_the_search_stops_at_the_most_workers():
    search = crowd({"a": 40}, most=30)
    last = search.double()
    assert last.workers == {"a": 30}
    assert not search.keeps_pace(last.seen[0])


def test_the_search_stops_where_more_workers_are_in_vain():
    def run(workers):
        return trial(replace(GOOD, workers=workers["job"], delay_s=40.0))

    search = Search(["job"], run, lambda seen: seen.delay_s <= 1.0, 1_000, {"job": 1.0})
    search.double()
    assert len(search.trials) == 3


def test_groups_found_apart_are_run_together_and_given_more_if_that_is_not_enough():
    def run(workers):
        """With six partitions a consumer has two of five; with five, one each: the hot one."""
        together = max(workers.values())
        slow = {"a": workers["a"] < 4 or (workers["a"] == 4 and together < 8), "b": False}
        return trial(
            *(
                replace(GOOD, group=g, workers=n, delay_s=9.0 if slow[g] else 0.5)
                for g, n in workers.items()
            )
        )

    search = Search(["a", "b"], run, lambda seen: seen.delay_s <= 1.0, 100, {"a": 1.0, "b": 1.0})
    search.known.high = {"a": 4, "b": 1}
    search.known.low = {"a": 3, "b": 0}
    search.trials.append(run({"a": 8, "b": 1}))
    assert search.bisect().workers == {"a": 5, "b": 1}
