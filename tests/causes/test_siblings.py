from helpers.incidents import group, incident, queue
from sim.causes.data import SEVERITY
from sim.causes.harms import Numbers
from sim.causes.siblings import compared, quickest


def its(latency_s, produced=100, lost=0.0, asked_s=0.0):
    of = {**dict.fromkeys(SEVERITY, 0.0), "slower": latency_s, "lost": lost}
    return Numbers(of, produced, 0.0, 0.0, asked_s)


def several(**more):
    """Two systems with a queue for each job, and one whose group does both."""
    scenario = incident(queue(1))
    data = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    data["workload"]["service"]["v"] = {"per_message": 0.01}
    for name in ("s", "other"):
        data["systems"][name] = its_own = queue(2)
        its_own["queues"]["h"] = {"workers": 2, "does": ["v"]}
    data["systems"]["log"] = group(2, does=["w", "v"])
    return type(scenario).from_mapping({**data, **more})


def test_siblings_do_the_same_jobs_in_other_systems_and_perhaps_more():
    assert compared(several(), "s", "g") == [("other", "g"), ("log", "g")]
    assert compared(several(), "log", "g") == [], "nobody else does both"


def test_where_a_delay_is_allowed_siblings_do_not_say_what_may_be():
    assert compared(several(needs={"max_delay": "1 s"}), "s", "g") == []
    assert compared(several(needs={"loss": "none"}), "s", "g") != []


def test_the_quickest_is_the_one_that_is_compared_with():
    others = {("other", "g"): its(5.1, asked_s=5.0), ("log", "g"): its(0.3)}
    assert quickest(several(), its(2.0), others) == ("other.g", 5.1, 5.0), "that is asked for"
    assert quickest(several(), its(2.0), {("log", "g"): its(0.3)}).who == "log"


def test_one_that_loses_messages_or_has_others_is_no_measure():
    scenario, now = several(), its(2.0, lost=1)
    assert quickest(scenario, now, {("other", "g"): its(0.3, lost=2)}) is None
    assert quickest(scenario, now, {("other", "g"): its(0.3, produced=99)}) is None
    assert quickest(scenario, now, {("other", "g"): its(0.3, lost=1)}) is not None
