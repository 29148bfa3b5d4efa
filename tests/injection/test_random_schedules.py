"""Random fault schedules over whole scenarios: what `schedules` requires holds in all of them."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import schedules


def test_invariants_hold_under_random_fault_schedules():
    seen = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        seen.update(schedules.check(seed))
        seen["examples"] += 1

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    kinds = set(schedules.KINDS) - {"database"}
    for what in kinds | {"twice", "again", "cooperative", "static", "classic", "consumer"}:
        assert share.get(what, 0.0) > 0.05, (what, share)
    for what in ("calm", "java", "librdkafka"):
        assert share[what] > 0.25, (what, share)
