"""What a file leaves to be read between its lines is written out, and said."""

import copy

import pytest

from sim.causes.explain import explain
from sim.foundation.errors import ScenarioError
from sim.scenario.load import Scenario, load, override

FILE = """\
name: later
duration: 3m
workload:
  arrivals: {profile: [{for: 3m, rate: 5/s}]}
  keys: {k: {count: 100}}
  service: {job: {per_message: 10 ms}}
systems:
  r:
    product: rabbitmq
    producer: {expiration: [2000, 60000]}
    queues:
      later:
        consumers: 2
        does: [job]
        prefetch_count: 3
        arguments: {x-dead-letter-exchange: dlx, x-dead-letter-routing-key: jobs}
"""


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "later.yaml").write_text(FILE)
    return load(tmp_path / "later.yaml")


def test_RQ_18_the_consumers_of_a_delay_queue_are_those_of_its_target(scenario):
    queues = scenario.systems["r"].queues
    assert [*queues] == ["later", "jobs"]
    assert (queues["later"].consumers, queues["later"].does) == (0, [])
    assert (queues["jobs"].consumers, queues["jobs"].does) == (2, ["job"])
    assert queues["jobs"].prefetch_count == 3
    assert queues["jobs"].arguments.dead_letter_exchange is None
    [said] = scenario.warnings
    assert "later.yaml:16: systems.r.queues.later.arguments.x-dead-letter-routing-key" in said
    assert "'jobs' is no queue of the file" in said


def test_what_was_written_out_can_be_set_and_its_errors_have_a_line(scenario):
    more = override(scenario, ["systems.r.queues.jobs.consumers=5"])
    assert more.systems["r"].queues["jobs"].consumers == 5
    assert more.warnings == scenario.warnings
    with pytest.raises(ScenarioError, match=r"later.yaml:15: systems.r.queues.jobs.prefetch_count"):
        load(write(scenario, "prefetch_count: 3", "prefetch_count: many"))


def write(scenario, old, new):
    path = scenario.file
    path.write_text(FILE.replace(old, new))
    return path


def test_its_first_cause_is_that_an_expiration_ends_at_the_head_only(scenario):
    [group] = explain(scenario).groups
    assert group.first.key == "expiration"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("producer: {expiration: [2000, 60000]}\n", "producer: {}\n"),  # nothing expires by itself
        ("routing-key: jobs}", "routing-key: later}"),  # a queue of the file
        ("consumers: 2", "consumers: 0"),  # whose consumers?
        ("x-dead-letter-exchange: dlx, ", ""),
    ],
)
def test_nothing_else_is_written_out(scenario, old, new):
    path = write(scenario, old, new)
    try:
        queues = load(path).systems["r"].queues
    except ScenarioError as error:
        assert "no queue has consumers" in str(error)
    else:
        assert [*queues] == ["later"]


def test_data_that_are_no_scenario_stay_as_they_are():
    for systems in (None, [], {"r": None}, {"r": {"product": "rabbitmq", "queues": []}}):
        data = {"systems": systems}
        before = copy.deepcopy(data)
        with pytest.raises(ScenarioError):
            Scenario.from_mapping(data)
        assert data == before


PLAIN = {
    "name": "plain",
    "duration": "1m",
    "workload": {
        "arrivals": {"profile": [{"for": "1m", "rate": "50/s"}]},
        "keys": {"account": {"count": 9}},
        "service": {"job": {"per_message": "4 ms"}},
    },
    "systems": {"q": {"product": "sqs", "queues": {"a": {"workers": 2, "does": ["job"]}}}},
}


def changed(path, value):
    data = copy.deepcopy(PLAIN)
    *above, last = path.split("/")
    at = data
    for key in above:
        at = at[key]
    at[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("workload/arrivals", {"rate": "50/s"}),
        ("workload/service/job", "4 ms"),
        ("workload/service/job", {"constant": "4 ms"}),
        ("systems/q/queues/a/does", "job"),
    ],
)
def test_a_first_guess_is_the_same_scenario(path, value):
    assert Scenario.from_mapping(changed(path, value)).hash == Scenario.from_mapping(PLAIN).hash


def test_a_text_is_a_list_of_it_wherever_a_list_of_texts_is_meant():
    its = Scenario.from_mapping(changed("workload/order_by", "account"))
    assert its.workload.order_by == ["account"]


def test_a_rate_lasts_for_the_duration_whatever_it_is_set_to():
    its = Scenario.from_mapping(changed("workload/arrivals", {"rate": "50/s"}))
    longer = override(its, ["duration=3m", "workload.arrivals.rate=7/s"])
    [segment] = longer.workload.arrivals.profile
    assert (segment.for_, segment.rate) == (180.0, 7.0)
    other = override(its, ["workload.arrivals.counts={values: [1, 2], interval: 30s}"])
    assert other.workload.arrivals.counts.values == [1, 2]
    assert other.workload.arrivals.profile is None


def test_a_rate_without_a_duration_or_beside_a_profile_is_an_error():
    data = changed("workload/arrivals", {"rate": "50/s"})
    with pytest.raises(ScenarioError, match="give exactly one of rate, profile, counts, trace"):
        Scenario.from_mapping(
            changed("workload/arrivals", {"rate": "5/s", **PLAIN["workload"]["arrivals"]})
        )
    del data["duration"]
    with pytest.raises(ScenarioError, match="duration: missing; how long messages are created"):
        Scenario.from_mapping(data)


def test_a_spike_has_defaults():
    segment = {"for": "1m", "spike": "90/s"}
    its = Scenario.from_mapping(changed("workload/arrivals", {"profile": [segment]}))
    spike = its.workload.arrivals.profile[0].spike
    assert (spike.base, spike.peak, spike.rise, spike.at, spike.decay) == (0, 90, 10, 10, 60)
