"""What each library of queues in PostgreSQL does by default, in one set of words."""

from math import e, inf

import pytest

from sim.scenario.products.postgres_libraries import (
    ForUpdate,
    GraphileWorker,
    Habits,
    Library,
    Oban,
    PgBoss,
    Pgmq,
    Retries,
    River,
    SkipLocked,
    SolidQueue,
)

DEFAULTS = {
    SkipLocked: Habits(
        poll_s=1.0, held=True, in_order=True, dead_taken=0, dead_done=1, passes="locked_row",
    ),
    ForUpdate: Habits(
        poll_s=1.0, held=True, in_order=True, dead_taken=0, dead_done=1, waits=True,
    ),
    PgBoss: Habits(
        every_s=2.0, every_least_s=0.1, lease_s=900.0, sweep_s=60.0, in_order=True,
        lease_waits=True, retries=Retries(2),
    ),
    River: Habits(
        every_s=0.1, poll_s=1.0, notify=True, notified_s=0.1, lease_s=3600.0, sweep_s=30.0,
        any_copy=True, retries=Retries(24, 1.0, power=4),
    ),
    GraphileWorker: Habits(
        poll_s=2.0, notify=True, lease_s=14_400.0, sweep_s=540.0, any_copy=True,
        any_time=True, retries=Retries(24, e, growth=e, most_s=e**10),
    ),
    Oban: Habits(
        every_s=0.005, poll_s=1.0, notify=True, notified_s=0.005, in_order=True, any_copy=True,
        any_time=True, retries=Retries(19, 2.0, growth=2.0, base_s=15.0),
    ),
    SolidQueue: Habits(poll_s=0.1, held=True, seen_s=420.0, dies=True, retries=Retries(0)),
    Pgmq: Habits(
        poll_s=0.1, lease_s=30.0, in_order=True, any_copy=True, any_time=True, dead_done=1,
        passes="leased_row",
    ),
}  # fmt: skip


@pytest.mark.parametrize("library", DEFAULTS)
def test_defaults_are_those_of_the_library(library):
    assert library().habits == DEFAULTS[library]


@pytest.mark.parametrize("library", DEFAULTS)
def test_what_may_be_a_limit_is_a_key_of_the_library(library):
    known = {field.alias or name for name, field in library.model_fields.items()}
    assert {name for name in library().names if name} <= known


def test_keys_change_what_they_say():
    its = PgBoss(retryBackoff=True, retryDelayMax=60, retryLimit=5, notify=True).habits
    assert its.retries == Retries(5, 1.5, growth=2.0, most_s=60.0)
    assert (its.notify, its.every_s) == (True, 30.0)
    assert PgBoss(notify=True).names.every == "notifyPollingIntervalSeconds"
    assert PgBoss(retryBackoff=True).habits.retries.most_s == 1.5 * 2**15
    assert SolidQueue(process_alive_threshold=90).habits.seen_s == 105.0
    leased = Habits(poll_s=1.0, lease_s=60.0, in_order=True, dead_done=1, passes="leased_row")
    assert SkipLocked(lease=60).habits == leased
    oban = Oban(rescue_after="60 min").habits
    assert (oban.lease_s, oban.sweep_s) == (3600.0, 60.0)
    # The 40th of 40 attempts waits as long as the 20th of 20.
    growth = Oban(max_attempts=40).habits.retries.growth
    assert growth**40 == pytest.approx(2.0**20)
    assert not River(PollOnly=True).habits.notify
    assert River().habits.retries.most < inf


def test_every_library_says_what_it_does():
    with pytest.raises(NotImplementedError):
        _ = Library().habits
    with pytest.raises(NotImplementedError):
        _ = Library().names
