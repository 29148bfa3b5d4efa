from helpers.incidents import incident, queue
from sim.causes.relaxed import (
    READERS,
    At,
    down,
    fixed,
    grown,
    if_given,
    longer_lock,
    shorter_lock,
    up,
    value_at,
)


def at(value, **how):
    scenario = incident(queue(1, **how.pop("keys", {})), **how)
    data = scenario.systems["s"].model_dump(mode="json", by_alias=True)
    return At(scenario, "s", "g", data, value)


def test_a_value_that_no_longer_binds_is_none_if_it_is_none_already():
    assert (up(10)(at(1)), up(10)(at(10)), up(10)(at(None))) == (10, None, None)
    assert (down(1)(at(5)), down(1)(at(1)), down(1)(at(None))) == (1, None, None)
    assert (fixed(False, None)(at(True)), fixed(False, None)(at(None))) == (False, None)
    assert (if_given("")(at(3)), if_given("")(at(None))) == ("", None)


def test_what_grows_is_a_multiple_of_the_default_and_has_an_end():
    assert [grown(4, 8, 100)(at(value)) for value in (None, 3, 50, 100)] == [32, 12, 100, None]


def test_a_lock_is_longer_than_a_batch_and_ten_times_what_it_was():
    ten = longer_lock(lambda _: 10, 43_200)
    assert ten(at(30, work=1)) == 300
    assert ten(at(30, work=60)) == 1_200
    assert ten(at(43_200, work=60)) is None


def test_a_shorter_lock_is_kept_by_a_batch():
    one = shorter_lock(lambda _: 1, 1)
    assert one(at(30, work=1)) == 3
    assert one(at(30, work=8)) == 12
    assert one(at(30, work=15)) is None  # it would be 23 s


def test_keys_of_a_group_are_found_wherever_its_product_has_it():
    one = at(None, keys={"RedrivePolicy": {"maxReceiveCount": 3}})
    assert one.place((READERS, "VisibilityTimeout")) == ("queues", "g", "VisibilityTimeout")
    assert one.place(("producer", "threads")) == ("producer", "threads")
    assert one.other(READERS, "RedrivePolicy", "maxReceiveCount") == 3
    assert value_at(one.data, ("queues", "x", "y")) is None
