"""Which settings a sweep tries: how they are written, and how each design spreads them."""

import pytest

from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.studies.design import design, read, short_names

CONSUMERS = "systems.kafka.groups.g.consumers"
WORK = "workload.service.job.per_message"
RECORDS = "systems.kafka.groups.g.max.poll.records"
RATE = "workload.arrivals.profile.0.rate"


def one(text):
    (found,) = read([text], scenario())
    return found


def values(text):
    return [level.value for level in one(text).levels]


def test_levels_are_values_of_the_key_in_its_own_unit():
    assert values(f"{CONSUMERS}=1,2,4") == [1.0, 2.0, 4.0]
    assert values(f"{WORK}=1ms, 0.002,1s") == [0.001, 0.002, 1.0]
    assert values(f"{RATE}=60/min,5/s") == [1.0, 5.0]
    mixed = one(f"{WORK}={{exponential: 1 ms}},{{gamma: {{mean: 1ms, cv: 2}}}}")
    assert [level.value for level in mixed.levels] == [
        "{exponential: 1 ms}", "{gamma: {mean: 1ms, cv: 2}}",
    ]  # fmt: skip
    assert not mixed.numeric


def test_a_range_is_even_or_in_equal_ratios_and_whole_where_the_key_is():
    assert values(f"{WORK}=1ms..1s:log:4") == [0.001, 0.01, 0.1, 1.0]
    assert values(f"{WORK}=1ms..9ms") == [0.001, 0.003, 0.005, 0.007, 0.009]
    assert values(f"{CONSUMERS}=1..4:7") == [1.0, 2.0, 3.0, 4.0]
    assert one(f"{CONSUMERS}=1..4").whole
    assert not one(f"{WORK}=1..4").whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{WORK}=1ms,1s", ["1 ms", "1 s"]),
        (f"{WORK}=0.5,1", ["0.5", "1"]),
        ("systems.kafka.groups.g.max.poll.interval.ms=1s,5min", ["1 s", "5 min"]),
        (f"{RATE}=100/s,2000/s", ["100/s", "2 k/s"]),
        ("workload.size=300 B,2 kB", ["300 B", "2 kB"]),
        (f"{CONSUMERS}=1,2", ["1", "2"]),
    ],
)
def test_values_are_said_with_their_unit(text, said):
    found = one(text)
    assert [found.say(level.value) for level in found.levels] == said


def test_a_key_is_called_by_its_path_where_another_has_it_too():
    found = read([f"{RECORDS}=1,500", f"{CONSUMERS}=1,2"], scenario())
    assert short_names(found) == ["max.poll.records", "consumers"]
    assert short_names([found[0], found[0]]) == ["kafka.groups.g.max.poll.records"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONSUMERS, "expected PATH=1,2,4"),
        (f"{CONSUMERS}=", "expected PATH=1,2,4"),
        (f"{CONSUMERS}=3", "one value is no variation"),
        (f"{CONSUMERS}=3,3", "one value is no variation"),
        (f"{CONSUMERS}=1..4:much", "'much' is neither 'log' nor 2 or more levels"),
        (f"{CONSUMERS}=4..1", "the first end of a range is the lower one"),
        (f"{WORK}=0..1s:log", "a range in ratios begins above 0"),
        (f"{CONSUMERS}=0.5,2", "expected a whole number"),
        ("systems.kafka.groups.g.consumer=1,2", "did you mean 'consumers'?"),
        ("seed=1,2", "--replications gives each run the next one"),
    ],
)
def test_what_is_no_variation_is_refused(text, said):
    with pytest.raises(LabError) as refused:
        one(text)
    assert said in str(refused.value)


def settings(found):
    return [tuple(level.value for level in setting) for setting in found.settings]


def test_a_grid_has_every_level_with_every_other():
    varied = read([f"{CONSUMERS}=1,2", f"{WORK}=1ms,2ms,3ms"], scenario())
    found = design(varied, "grid", None, 1)
    assert settings(found) == [(c, w) for c in (1.0, 2.0) for w in (0.001, 0.002, 0.003)]
    assert found.overrides(found.settings[1]) == [f"{CONSUMERS}=1", f"{WORK}=2ms"]


def test_a_latin_hypercube_has_one_setting_in_each_stripe_of_each_key():
    varied = read([f"{WORK}=1ms..101ms", f"{RATE}=1..16:log"], scenario())
    found = settings(design(varied, "lhs", 10, 7))
    assert sorted(int((work - 0.001) / 0.010) for work, _ in found) == list(range(10))
    assert len(found) == 10
    assert found == settings(design(varied, "lhs", 10, 7))
    assert found != settings(design(varied, "lhs", 10, 8))


def test_sobol_goes_on_with_more_points_and_has_as_many_of_each_level():
    varied = read([f"{CONSUMERS}=1..4", f"{WORK}=1ms..1s:log"], scenario())
    few, many = (settings(design(varied, "sobol", n, 1)) for n in (7, 16))
    assert len(few) == 8 and len(many) == 16
    assert many[:8] == few
    assert (
        sorted(consumers for consumers, _ in many) == [1.0] * 4 + [2.0] * 4 + [3.0] * 4 + [4.0] * 4
    )
    assert all(0.001 <= work <= 1 for _, work in many)


def test_settings_that_are_the_same_are_one():
    varied = read([f"{CONSUMERS}=1..2"], scenario())
    assert sorted(settings(design(varied, "sobol", 16, 1))) == [(1.0,), (2.0,)]


@pytest.mark.parametrize(
    ("texts", "kind", "points", "said"),
    [
        ([f"{CONSUMERS}=1,2"], "grid", 5, "--points goes with"),
        ([f"{CONSUMERS}=1,2"], "lhs", None, "takes --points"),
        ([f"{CONSUMERS}=1,2", f"{CONSUMERS}=3,4"], "grid", None, "given twice"),
        ([f"{WORK}=1..2:1000", f"{RATE}=1..2:1000"], "grid", None, "more than 100,000"),
        ([], "grid", None, "nothing is varied"),
    ],
)
def test_what_is_no_design_is_refused(texts, kind, points, said):
    with pytest.raises(LabError, match=said):
        design(read(texts, scenario()), kind, points, 1)
