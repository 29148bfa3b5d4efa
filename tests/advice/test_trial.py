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
    logs = {"kafka", "kinesis", "nats", "share_group", "redis_streams"}
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


def test_retry_topics_are_tried_where_handlers_raise_and_nowhere_else():
    preset = presets()["kafka_retry_topics"]
    quiet = scenario()
    assert Bench(quiet, generate(quiet), Needs()).why_not(preset) is not None
    fails = {"at": "10 s", "fault": "poison", "target": "old.q", "effect": "fail", "count": 3}
    failing = scenario(faults=[fails])
    bench = Bench(failing, generate(failing), Needs())
    assert bench.why_not(preset) is None
    assert bench.run(preset, {"job": 4}).sum("dead_lettered") == 3
    kills = scenario(faults=[fails | {"effect": "kill"}])
    assert Bench(kills, generate(kills), Needs()).why_not(preset) is not None


def test_what_cannot_say_who_wants_what_is_not_tried_where_that_is_needed():
    s = scenario()
    preset = presets()["postgres_river"]
    routed = Needs(routing={"job": {"order": ["order-1"]}})
    assert Bench(s, generate(s), Needs()).why_not(preset) is None
    assert Bench(s, generate(s), routed).why_not(preset) is not None


def test_a_lambda_function_is_run_once_and_has_no_workers_to_count():
    s = scenario(needs={"max_delay": "5 s"})
    names = ("sqs_lambda", "kinesis_lambda")
    found = advise(s, 8, catalogue={name: presets()[name] for name in names}, own=False)
    rows = {row.preset: row for row in found.rows}
    queue, stream = rows["sqs_lambda"], rows["kinesis_lambda"]
    assert (queue.workers, queue.team, queue.alone, queue.more) == (0, "", None, None)
    assert not queue.unmet and queue.trials == 2  # as it is, and to be read again
    assert {line.what for line in queue.lines} == {
        "sqs_standard_request", "lambda_request", "lambda_gb_second",
    }  # fmt: skip
    # 30/s of 50 ms for each key: 50 keys in ten parts of one shard.
    assert not stream.unmet and stream.trial.use.partitions == 1
    assert "worker" not in {line.what for line in stream.lines}


def test_the_timeout_of_a_function_is_three_batches_and_two_slow_messages():
    s = scenario(
        **{"workload.service.job": {"per_message": "1 s", "slow": {"share": 0.1, "time": "20 s"}}}
    )
    bench = Bench(s, generate(s), Needs())
    queue = bench.system(presets()["sqs_lambda"], {"job": 1})["queues"]["job"]
    assert queue["lambda"]["Timeout"] == 3 * 10 + 2 * 20
    assert queue["VisibilityTimeout"] == 6 * 70
    shards = bench.system(presets()["kinesis_lambda"], {"job": 1})
    assert shards["applications"]["job"]["lambda"]["Timeout"] == 340


def test_a_scenario_that_shows_its_books_is_tried_on_systems_that_keep_none():
    s = scenario(
        workload={
            "arrivals": {"profile": [{"for": "100 s", "rate": "2/s"}]},
            "keys": {
                "case": {
                    "lifecycle": {
                        "states": ["open", "done"],
                        "gap": "1 s",
                        "amount": {"median": 10, "p99": 100},
                    }
                }
            },
            "service": {"job": {"per_message": "1 ms"}},
        },
        systems={
            "own": {
                "product": "sqs",
                "queues": {"books": {"workers": 1, "does": ["job"], "ledger": "naive"}},
            }
        },
        needs={"loss": "none"},
        shows="money_misstated",
    )
    answer = advise(s, most_workers=2, own=False)
    assert answer.rows


FOR_EVER = {"at": "10 s", "fault": "poison", "target": "old.q", "effect": "fail", "count": 3}


def test_what_fails_for_ever_is_put_aside_by_what_its_product_has_for_that():
    """Each preset that gives nothing up by itself is given what does, and only then."""
    failing = scenario(faults=[FOR_EVER], needs={"max_delay": "30 s"})
    bench = Bench(failing, generate(failing), failing.needs)
    assert bench.fails_for_ever
    made = bench.system(presets()["sqs_batched"], {"job": 4})["queues"]["job"]
    assert made["RedrivePolicy"] == {"maxReceiveCount": 5} and made["MaxNumberOfMessages"] == 10
    for name in ("sqs_batched", "rabbitmq", "rabbitmq_quorum", "pubsub_few", "kafka", "nats"):
        seen = bench.run(presets()[name], {"job": 4})
        assert (seen.sum("dead_lettered"), seen.sum("lost"), seen.sum("unfinished")) == (3, 0, 0), (
            name
        )
    some = scenario(faults=[FOR_EVER | {"times": 2}])
    bench = Bench(some, generate(some), Needs())
    assert not bench.fails_for_ever
    assert (
        "RedrivePolicy" not in bench.system(presets()["sqs_batched"], {"job": 4})["queues"]["job"]
    )


def test_a_share_of_the_workload_makes_handlers_fail_as_a_fault_does():
    preset = presets()["kafka_retry_topics"]
    share = scenario().with_({"workload.service.job.poison": "1 %"})
    bench = Bench(share, generate(share), Needs())
    assert bench.fails and bench.fails_for_ever and bench.why_not(preset) is None
    some = share.with_({"workload.service.job.poison.times": 2})
    bench = Bench(some, generate(some), Needs())
    assert bench.fails and not bench.fails_for_ever
    none = share.with_({"workload.service.job.poison": 0})
    assert not Bench(none, generate(none), Needs()).fails
