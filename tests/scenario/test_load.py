"""Scenario files: what they mean, and what is said of those that mean nothing.

Each file in `bad_scenarios/` carries what it must be told: `#! path: message` at the end of the
line where the problem stands."""

import copy
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from helpers.scenario_files import GOOD, HERE
from sim.foundation.errors import LabError, ScenarioError
from sim.scenario.faults.processes import CrashFault
from sim.scenario.load import Scenario, available, load
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.sqs import SqsSystem

TRACE = HERE / "scenarios" / "from-trace.yaml"


BAD = sorted((HERE / "bad_scenarios").glob("*.yaml"))


SCHEMA = Path(__file__).parents[2] / "scenarios" / "scenario.schema.json"


JARGON = re.compile(
    r"Input should|valid |_type|_error|forbidden|union|pydantic|Value error|type=|: cannot be|Field"
)


def problems(*args):
    """The texts of the problems of loading a scenario."""
    with pytest.raises(ScenarioError) as raised:
        load(*args)
    assert isinstance(raised.value, LabError)
    return str(raised.value).splitlines()


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def data(path=GOOD):
    return YAML(typ="safe").load(path)


def test_a_scenario_with_its_defaults():
    scenario = load(GOOD)
    assert (scenario.name, scenario.seed, scenario.scale) == ("two-systems", 1, 1.0)
    assert (scenario.duration, scenario.drain_limit) == (60.0, 43200.0)
    assert scenario.file == GOOD
    assert scenario.warnings == ()
    workload = scenario.workload
    steady, ramp = workload.arrivals.profile
    assert (steady.kind, steady.for_, steady.rate) == ("rate", 20.0, 100.0)
    assert (ramp.kind, ramp.for_, ramp.from_, ramp.to) == ("ramp", 40.0, 100.0, 300.0)
    assert (workload.arrivals.dispersion, workload.arrivals.multiply) == (1.0, 1.0)
    assert (workload.keys["player"].count, workload.keys["player"].zipf) == (2000, 1.1)
    assert workload.keys["country"].weights == {"fr": 3.0, "br": 2.5}
    assert (workload.order_by, workload.size) == (["player"], 300)
    assert workload.service["counters"].per_message.kind == "constant"
    assert workload.service["leaderboard"].per_message.mean_s() == 0.004
    assert workload.service["leaderboard"].per_batch == 0.002
    kafka, sqs = scenario.systems.values()
    assert isinstance(kafka, KafkaSystem)
    assert isinstance(sqs, SqsSystem)
    assert kafka.topic.partitions == 6
    assert kafka.groups["leaderboard"].max_poll_records == 100
    assert sqs.queues["leaderboard"].visibility_timeout == 120
    assert [group.members for group in kafka.readers.values()] == [2, 3]
    assert [queue.does for queue in sqs.readers.values()] == [["counters"], ["leaderboard"]]
    (fault,) = scenario.faults
    assert isinstance(fault, CrashFault)
    assert (fault.at, fault.fault, fault.restart_after) == (10.0, "crash", 5.0)
    assert fault.strikes("kafka", "counters", 0)
    assert not fault.strikes("kafka", "counters", 1)
    assert not fault.strikes("kafka", "leaderboard", 0)


def test_numbers_of_kafka_are_milliseconds_and_those_of_sqs_seconds():
    scenario = load(
        GOOD,
        [
            "systems.kafka.producer.linger.ms=20",
            "systems.kafka.groups.counters.fetch.max.wait.ms=2 s",
            "systems.sqs_short.queues.counters.VisibilityTimeout=20",
            "systems.sqs_short.queues.counters.MessageRetentionPeriod=1 d",
        ],
    )
    assert scenario.systems["kafka"].producer.linger_ms == 20.0
    assert scenario.systems["kafka"].groups["counters"].fetch_max_wait_ms == 2000.0
    queue = scenario.systems["sqs_short"].queues["counters"]
    assert (queue.visibility_timeout, queue.message_retention_period) == (20, 86400)


def test_keys_without_effect_are_accepted_and_named():
    scenario = load(
        GOOD,
        [
            "systems.kafka.producer.compression.type=lz4",
            "systems.kafka.topic.cleanup.policy=delete",
            "systems.kafka.groups.counters.check.crcs=true",
            "systems.sqs_short.queues.counters.ContentBasedDeduplication=true",
        ],
    )
    assert sorted(warning.partition(": ")[2] for warning in scenario.warnings) == [
        "systems.kafka.groups.counters.check.crcs: accepted but not modelled: no record is "
        "damaged on its way",
        "systems.kafka.producer.compression.type: accepted but not modelled: messages count "
        "with workload.size; give the compressed size there",
        "systems.kafka.topic.cleanup.policy: accepted but not modelled: the lab deletes by "
        "retention and compacts nothing",
        "systems.sqs_short.queues.counters.ContentBasedDeduplication: accepted but not modelled: "
        "no two messages of the lab have the same content",
    ]
    assert scenario.hash == load(GOOD).hash


def test_keys_of_a_producer_that_never_fails_are_named():
    scenario = load(GOOD, ["systems.kafka.producer.acks=all"])
    assert [warning.partition(": ")[2] for warning in scenario.warnings] == [
        "systems.kafka.producer.acks: has an effect only with a 'publisher', the service that "
        "sends through this client and may fail: write 'publisher: {}' beside 'producer'"
    ]
    assert not load(
        GOOD, ["systems.kafka.producer.acks=all", "systems.kafka.publisher={order: produce}"]
    ).warnings


def test_a_trace_stands_beside_the_scenario_and_has_its_own_length():
    scenario = load(TRACE)
    trace = scenario.workload.arrivals.trace
    assert trace.path == "minutes.csv"
    assert trace.file.samefile(TRACE.parent / "minutes.csv")
    assert (trace.column, trace.start, trace.end, trace.interval) == (None, None, None, None)
    assert scenario.duration == math.inf
    cropped = load(
        TRACE,
        [
            "workload.arrivals.trace.start=1998-07-12T19:01:00Z",
            "workload.arrivals.trace.column=1",
            "duration=1 min",
        ],
    )
    trace = cropped.workload.arrivals.trace
    assert (trace.path, trace.start, trace.column) == ("minutes.csv", "1998-07-12T19:01:00Z", 1)
    assert cropped.duration == 60.0


def test_a_trace_relative_to_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("time,n\n2026-01-01T00:00:00Z,1\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    child = f"base: {GOOD}\nworkload: {{arrivals: {{trace: mine.csv}}}}\n"
    write(tmp_path / "elsewhere", child=child)
    by_override = load(GOOD, ["workload.arrivals.trace=mine.csv"])
    by_file = load(tmp_path / "elsewhere" / "child.yaml")
    for scenario in (by_override, by_file):
        assert scenario.workload.arrivals.trace.file.samefile(tmp_path / "mine.csv")
        assert scenario.workload.arrivals.profile is None
        assert scenario.duration == math.inf


def test_one_alternative_overrides_the_others():
    by_trace = load(GOOD, [f"workload.arrivals.trace={TRACE.parent / 'minutes.csv'}"])
    assert by_trace.workload.arrivals.profile is None
    assert by_trace.duration == math.inf
    back = load(TRACE, ["workload.arrivals.counts={values: [3, 4], interval: 1 s}", "duration=2"])
    assert back.workload.arrivals.trace is None
    assert back.workload.arrivals.counts.values == [3, 4]
    gamma = load(GOOD, ["workload.service.counters.per_message.gamma={mean: 1 ms, cv: 2}"])
    assert gamma.workload.service["counters"].per_message.kind == "gamma"
    weights = load(GOOD, ["workload.keys.player.weights={a: 1}"])
    assert weights.workload.keys["player"].count is None
    flat = load(GOOD, ["workload.arrivals.profile.0.rate=50", "workload.arrivals.profile.1.rate=5"])
    assert [segment.kind for segment in flat.workload.arrivals.profile] == ["rate", "rate"]


def test_a_part_of_a_bare_value_can_be_overridden(tmp_path):
    write(tmp_path, child=f"base: {TRACE}\nworkload: {{arrivals: {{trace: {{column: 1}}}}}}\n")
    trace = load(tmp_path / "child.yaml").workload.arrivals.trace
    assert (trace.path, trace.column) == ("minutes.csv", 1)
    assert trace.file.samefile(TRACE.parent / "minutes.csv")


def test_a_base_is_merged_and_null_removes(tmp_path):
    write(
        tmp_path,
        child=f"""
            base: {GOOD}
            name: child
            workload:
              arrivals: {{counts: {{values: [5, 6], interval: 30 s}}}}
              service: {{counters: {{per_message: {{exponential: 9 ms}}}}}}
            systems:
              sqs_short: null
              kafka:
                partition_key: null
                groups: {{counters: {{max.poll.records: 7}}}}
            faults: []
            """,
    )
    scenario = load(tmp_path / "child.yaml")
    assert (scenario.name, scenario.duration, scenario.faults) == ("child", 60.0, [])
    assert list(scenario.systems) == ["kafka"]
    assert scenario.systems["kafka"].partition_key is None
    group = scenario.systems["kafka"].groups["counters"]
    assert (group.consumers, group.max_poll_records) == (2, 7)
    assert scenario.workload.arrivals.profile is None
    assert scenario.workload.service["counters"].per_message.kind == "exponential"


def test_overrides_find_keys_with_dots_in_them():
    scenario = load(
        GOOD,
        [
            "systems.kafka.groups.counters.max.poll.records=7",
            "systems.kafka.latency.commit=1 ms",
            "workload.service.counters.per_message=3 ms",
            "faults.0.at=20 s",
            "workload.order_by=null",
            "seed=9",
        ],
    )
    assert scenario.systems["kafka"].groups["counters"].max_poll_records == 7
    assert scenario.systems["kafka"].latency.commit == 0.001
    assert scenario.systems["kafka"].latency.produce.kind == "curve"
    assert scenario.workload.service["counters"].per_message.a == 0.003
    assert (scenario.faults[0].at, scenario.workload.order_by, scenario.seed) == (20.0, None, 9)


def test_with_replaces_values_and_leaves_the_original():
    scenario = load(GOOD)
    changed = scenario.with_({"systems.kafka.topic.partitions": 3}, seed=2)
    assert (changed.systems["kafka"].topic.partitions, changed.seed) == (3, 2)
    assert (scenario.systems["kafka"].topic.partitions, scenario.seed) == (6, 1)
    assert changed.file == GOOD
    assert changed.with_({"systems.kafka.topic.partitions": 6, "seed": 1}).hash == scenario.hash
    with pytest.raises(ScenarioError) as raised:
        scenario.with_(sed=2)
    assert str(raised.value) == "sed=2: sed: unknown key; did you mean 'seed'?"


def test_the_hash_is_of_the_content():
    scenario = load(GOOD)
    assert re.fullmatch("[0-9a-f]{12}", scenario.hash)
    assert load(GOOD, ["duration=60"]).hash == scenario.hash
    assert load(GOOD, ["systems.kafka.producer.linger.ms=5 ms"]).hash == scenario.hash
    assert load(GOOD, ["seed=2"]).hash != scenario.hash
    assert load(GOOD, ["systems.kafka.producer.linger.ms=6"]).hash != scenario.hash


@pytest.mark.parametrize("path", [GOOD, TRACE])
@pytest.mark.parametrize("mode", ["json", "python"])
def test_what_is_dumped_can_be_read_again(path, mode, monkeypatch):
    monkeypatch.chdir(path.parent)
    scenario = load(path)
    content = scenario.model_dump(mode=mode, by_alias=True)
    json.dumps(scenario.model_dump(mode="json", by_alias=True), allow_nan=False)
    assert Scenario.from_mapping(content).hash == scenario.hash


def test_a_base_beside_no_scenario_is_one_that_comes_with_the_lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, mine="base: tournament_spike.yaml\nname: mine\n")
    assert load("mine.yaml").systems.keys() == load("tournament_spike").systems.keys()
    write(tmp_path, tournament_spike=f"base: {GOOD}\nname: own\n")
    with pytest.raises(ScenarioError, match="a base cannot have a base of its own"):
        load("mine.yaml")  # the one beside it comes first
    write(tmp_path, mine="base: elsewhere/tournament_spike.yaml\nname: mine\n")
    assert "no such file" in problems("mine.yaml")[0]


def test_a_bare_name_is_looked_up(tmp_path, monkeypatch):
    (tmp_path / "scenarios").mkdir()
    write(tmp_path / "scenarios", mine=f"base: {GOOD}\nname: mine\n")
    monkeypatch.chdir(tmp_path)
    assert load("mine").name == "mine"
    assert tmp_path / "scenarios" / "mine.yaml" in available()
    assert problems("mien") == ["mien: unknown scenario 'mien'; did you mean 'mine'?"]
    assert problems("mine.yaml") == ["mine.yaml: no such file"]


def test_importing_scenarios_is_fast():
    slow = {"numpy", "pandas", "matplotlib", "scipy", "simpy"}
    code = f"import sys, sim.scenario.load; print({slow!r} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def expected(path):
    return {
        (line, message.strip())
        for line, text in enumerate(path.read_text().splitlines(), 1)
        for message in text.split("#! ")[1:]
    }


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_scenario_is_told_each_problem_with_its_line(path, monkeypatch):
    monkeypatch.chdir(HERE)
    with pytest.raises(ScenarioError) as raised:
        load(path.relative_to(HERE))
    found = raised.value.problems
    assert {(p.line, ": ".join(filter(None, (p.path, p.message)))) for p in found} == expected(path)
    assert len(found) == len(expected(path))
    assert {p.file for p in found} == {f"bad_scenarios/{path.name}"}
    assert not JARGON.search(str(raised.value))


def test_there_are_enough_bad_scenarios():
    assert len(BAD) >= 20


def test_a_problem_in_a_base_is_told_of_the_base(tmp_path):
    write(
        tmp_path,
        base=GOOD.read_text().replace("partitions: 6", "partitions: six"),
        child="base: base.yaml\nseed: -2\n",
    )
    assert problems(tmp_path / "child.yaml") == [
        f"{tmp_path}/base.yaml:19: systems.kafka.topic.partitions: expected a whole number such as "
        "12 or 2_000, not 'six'",
        f"{tmp_path}/child.yaml:2: seed: must not be negative: -2",
    ]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("sed=2", "sed: unknown key; did you mean 'seed'?"),
        ("systms.kafka.topic.partitions=2", "systms: unknown key; did you mean 'systems'?"),
        (
            "systems.kafak.topic.partitions=2",
            "systems.kafak: unknown key; did you mean 'kafka'?",
        ),
        (
            "systems.kafka.groups.counters.max.pol.records=2",
            "systems.kafka.groups.counters.max.pol.records: unknown key; did you mean "
            "'max.poll.records'?",
        ),
        ("faults.3.at=1 s", "faults.3: unknown key; known: 0"),
        ("seed.x=1", "seed.x: unknown key; known: none"),
        ("seed", "expected path=value"),
        ("seed=[1", "unreadable YAML: expected ',' or ']', but got '<stream end>' while parsing"),
        ("seed=-1", "seed: must not be negative: -1"),
        (
            "systems.kafka.topic={partitons: 3}",
            "systems.kafka.topic.partitons: unknown key; did you mean 'partitions'?",
        ),
        (
            "systems.kafka.topic={partitions: six}",
            "systems.kafka.topic.partitions: expected a whole number",
        ),
        (
            "workload.arrivals.trace=worldcup98.csv",
            "workload.arrivals.trace: no such file 'worldcup98.csv'; a trace is a CSV or CSV.gz "
            "file with a header, a timestamp (ISO 8601, ascending) in its first column",
        ),
        (
            "duration=50",
            "duration: the segments of the profile last 60 s in all, but the duration is 50 s",
        ),
        (
            "workload.arrivals.profile=[{for: 50, rate: 1}]",
            "workload.arrivals.profile: the segments of the profile last 50 s in all",
        ),
    ],
)
def test_a_bad_override_is_told_by_its_own_words(override, told):
    (problem,) = problems(GOOD, [override])
    assert problem.startswith(f"--set {override}: {told}")


def test_bad_overrides_are_told_all_at_once():
    assert len(problems(GOOD, ["sed=2", "workload.sze=1", "scale=2"])) == 2
    assert len(problems(GOOD, ["seed=-2", "workload.size=big", "scale=2"])) == 2


def test_an_empty_file_and_one_that_cannot_be_read(tmp_path):
    write(tmp_path, empty="")
    assert problems(tmp_path / "empty.yaml") == [f"{tmp_path}/empty.yaml:1: the file is empty"]
    (tmp_path / "latin.yaml").write_bytes("about: é\n".encode("latin-1"))
    assert problems(tmp_path / "latin.yaml") == [f"{tmp_path}/latin.yaml: not a text file in UTF-8"]
    write(tmp_path, bell="name: a\nabout: \a\n")
    assert problems(tmp_path / "bell.yaml") == [
        f"{tmp_path}/bell.yaml:2: unreadable character U+0007"
    ]


def spots(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from spots(inner, (*path, key))


JUNK = st.sampled_from(
    [None, True, -1, 0, 1, 2.5, math.inf, "", "5 ms", "x", [], [1], ["x"], {}, {"x": 1}, {"": []}]
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([(file, path) for file in (GOOD, TRACE) for path in spots(data(file)) if path]),
    JUNK,
    st.sampled_from([None, "x", "count", "product", "for", "weights", "linger.ms"]),
)
def test_whatever_stands_anywhere_is_told_in_plain_words(spot, junk, extra):
    file, path = spot
    content = copy.deepcopy(data(file))
    above = content
    for key in path[:-1]:
        above = above[key]
    if extra is None or isinstance(above, list):
        above[path[-1]] = junk
    else:
        above[extra] = junk
    try:
        Scenario.from_mapping(content)
    except ScenarioError as error:
        assert not JARGON.search(str(error)), str(error)
        for problem in error.problems:
            assert problem.path, str(error)


def test_the_json_schema_is_up_to_date():
    text = json.dumps(Scenario.json_schema(), indent=2, allow_nan=False) + "\n"
    assert SCHEMA.read_text() == text, "run: sim schema > scenarios/scenario.schema.json"


def test_the_json_schema_accepts_and_rejects_what_the_lab_does():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(Scenario.json_schema())
    validator = jsonschema.Draft202012Validator(Scenario.json_schema())
    shipped = SCHEMA.parent.glob("*.yaml")
    for path in (GOOD, TRACE, *shipped):
        assert list(validator.iter_errors(data(path))) == [], path
    for stem in ("unknown-keys", "wrong-units", "wrong-types", "unknown-product"):
        path = HERE / "bad_scenarios" / f"{stem}.yaml"
        assert list(validator.iter_errors(data(path))) != [], path


def test_a_limit_of_retention_can_be_given_as_none():
    topic = load(GOOD, ["systems.kafka.topic.retention.ms=-1"]).systems["kafka"].topic
    assert (topic.retention_ms, topic.retention_bytes) == (-1, -1)
    topic = load(GOOD, ["systems.kafka.topic.retention.bytes=3 MiB"]).systems["kafka"].topic
    assert (topic.retention_ms, topic.retention_bytes) == (604_800_000, 3 * 2**20)


def test_the_json_schema_names_no_module_of_the_lab():
    assert re.findall(r"\bsim[._][a-z_.]+", SCHEMA.read_text()) == []


def test_what_is_given_to_with_is_left_as_it_is():
    system = {
        "product": "kafka",
        "topic": {"partitions": 3},
        "groups": {"g": {"consumers": 1, "does": ["counters", "leaderboard", "analytics"]}},
    }
    given = copy.deepcopy(system)
    changes = {"systems": {"kafka": given}, "systems.kafka.topic.partitions": 9}
    assert load("tournament_spike").with_(changes).systems["kafka"].partitions == 9
    assert given == system


def test_a_file_of_quantiles_is_found_beside_the_scenario(tmp_path, monkeypatch):
    (tmp_path / "q.csv").write_text("percentile,ms\n50,2\n99,4\n")
    write(
        tmp_path,
        mine=f"base: {GOOD}\nsystems:\n  kafka:\n    latency: {{produce: {{csv: q.csv}}}}\n"
        "workload:\n  service:\n    counters: {per_message: {csv: {path: q.csv}}}\n",
    )
    monkeypatch.chdir("/")
    scenario = load(tmp_path / "mine.yaml")
    for found in (
        scenario.systems["kafka"].latency.produce,
        scenario.workload.service["counters"].per_message,
    ):
        assert (found.kind, found.csv.file) == ("curve", tmp_path / "q.csv")
        assert found.a == pytest.approx(0.002)
    changed = scenario.with_({"systems.kafka.latency.produce": {"quantiles": {"p50": 1, "p99": 2}}})
    assert changed.systems["kafka"].latency.produce.a == pytest.approx(1.0)
    (tmp_path / "q.csv").write_text("percentile,ms\n50,8\n99,9\n")
    read = scenario.workload.service["counters"].per_message
    assert read.a == pytest.approx(0.002)  # as it was when the scenario was loaded
    again = scenario.with_({"seed": 2}).workload.service["counters"].per_message
    assert again.a == pytest.approx(0.008)


def test_the_value_at_a_path_is_in_the_keys_own_unit():
    its = load("tournament_spike")
    assert its.value_at("systems.kafka.groups.counters.max.poll.records") == 500
    assert its.path_of("systems.kafka.groups.counters.max.poll.records")[-1] == "max.poll.records"
    assert its.value_at("workload.arrivals.profile.0.to") == 300.0
    assert its.value_at("workload.arrivals.trace") is None
    with pytest.raises(ScenarioError, match="did you mean 'consumers'"):
        its.value_at("systems.kafka.groups.counters.consumer")


def test_another_seed_needs_no_validation():
    its = load("tournament_spike")
    other = its.with_seed(7)
    assert (its.seed, other.seed) == (1998, 7)
    assert other.hash == its.with_({"seed": 7}).hash
    assert other.with_({"scale": 2}).seed == 7
