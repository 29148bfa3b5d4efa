"""One simulated run of a preset, and what was seen in it."""

from helpers.advice import scenario
from sim.advice.advise import advise
from sim.advice.data import presets
from sim.advice.trial import Bench
from sim.scenario.needs import Needs
from sim.traffic.generate import generate


def test_routing_is_tried_on_what_can_route_and_on_what_throws_away():
    routed = scenario(
        workload={
            "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
            "keys": {"kind": {"weights": {"order": 9, "fraud": 1}}, "user": {"count": 20}},
            "service": {"all": {"per_message": "1 ms"}, "rare": {"per_message": "50 ms"}},
        },
        systems={
            "old": {
                "product": "sqs",
                "queues": {
                    "a": {"workers": 1, "does": ["all"]},
                    "r": {"workers": 1, "does": ["rare"]},
                },
            }
        },
        needs={"routing": {"rare": {"kind": ["fraud"]}}},
    )
    messages = generate(routed)
    wanted = messages.where({"kind": ["fraud"]}).size
    answer = advise(routed, most_workers=4, own=False)
    assert "sqs_one_queue" not in [row.preset for row in answer.rows]
    routing = {
        row.preset: next(j.met for j in row.judged if j.need == "routing") for row in answer.rows
    }
    logs = {"kafka", "kinesis", "share_group"}
    assert {name for name, met in routing.items() if not met} == logs
    for row in answer.rows:
        rare, every = (next(s for s in row.trial.seen if s.group == g) for g in ("rare", "all"))
        assert (rare.produced, every.produced) == (wanted, len(messages))
        assert rare.handed == (len(messages) if row.preset in logs else wanted)


def test_the_calls_of_a_queue_are_counted():
    """A delete for each receive that found something; four receives are under way at the end."""
    s = scenario()
    seen = Bench(s, generate(s), Needs()).run(presets()["sqs_batched"], {"job": 4})
    n = seen.seen[0].produced
    assert seen.requests["delete"] == seen.requests["receive"] - 4
    assert n / 10 <= seen.requests["receive"] <= n
    assert n / 10 <= seen.requests["send"] <= n
    defaults = Bench(s, generate(s), Needs()).run(presets()["sqs_defaults"], {"job": 4})
    assert {defaults.requests[call] for call in ("send", "delete")} == {n}
    assert n <= defaults.requests["receive"] <= n + 4


def test_a_file_of_quantiles_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "q.csv").write_text("percentile,ms\n50,2\n99,4\n")
    monkeypatch.chdir(tmp_path)
    s = scenario().with_({"workload.service.job.per_message": {"csv": "q.csv"}})
    messages = generate(s)
    monkeypatch.chdir("/")
    seen = Bench(s, messages, Needs()).run(presets()["sqs_batched"], {"job": 4})
    assert seen.seen[0].produced == len(messages)
