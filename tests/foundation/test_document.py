"""YAML that remembers where each key stands, through merging and overriding."""

from pathlib import Path
from time import process_time

import pytest

from sim.foundation.config import Config
from sim.foundation.document import Document, Place, dumped, merge, read, value_of
from sim.foundation.errors import ScenarioError


class Time(Config):
    shorthand = "constant"

    constant: float | None = None
    median: float | None = None


class Work(Config):
    alternatives = (("profile",), ("trace",))

    profile: list[int] | None = None
    trace: str | None = None
    time: Time = Time()


class Root(Config):
    work: Work
    name: str = ""


@pytest.fixture
def document(tmp_path):
    def write(text, name="a.yaml"):
        (tmp_path / name).write_text(text)
        return read(tmp_path / name)

    return write


def test_each_key_knows_its_line_and_what_is_below_an_unknown_one_that_of_the_key_above(document):
    found = document("name: x\nwork:\n  profile:\n  - 1\n  - 2\n")
    lines = {path: place.line for path, place in found.places.items()}
    assert lines[("name",)] == 1 and lines[("work",)] == 2
    assert lines[("work", "profile")] == 3 and lines[("work", "profile", 1)] == 5
    assert found.place(("work", "none", "such")).line == 2
    said = str(found.problem(("work", "profile", 1), "is too much"))
    assert said.endswith("a.yaml:5: work.profile.1: is too much")


def test_a_value_is_found_by_its_path_and_none_where_there_is_none(document):
    found = document("work: {profile: [1, 2]}\n")
    assert found.get(("work", "profile", 1)) == 2
    assert found.get(("work", "profile", 2)) is None
    assert found.get(("work", "profile", "x", "y")) is None


def test_a_copy_is_changed_apart(document):
    first = document("work: {profile: [1]}\n")
    second = first.copy()
    second.put(("work", "profile", 0), 9, {("work", "profile", 0): Place("b", 1, Path())})
    assert first.get(("work", "profile")) == [1] and second.get(("work", "profile")) == [9]
    assert first.place(("work", "profile", 0)).source != "b"


def test_what_is_put_over_a_base_keeps_its_own_line_and_null_removes(document):
    base = document("name: base\nwork:\n  profile: [1]\n  time: 5\n", "base.yaml")
    over = document("work:\n  trace: t.csv\n  time: {median: 2}\n", "over.yaml")
    merged = merge(Root, base, over)
    assert merged.data == {
        "name": "base", "work": {"trace": "t.csv", "time": {"constant": 5, "median": 2}}
    }  # fmt: skip
    assert merged.place(("work", "trace")).source.endswith("over.yaml")
    assert merged.place(("name",)).source.endswith("base.yaml")
    assert merged.place(("work", "time", "constant")).line == 4
    assert merge(Root, base, document("name:\n", "null.yaml")).data.keys() == {"work"}
    assert base.data["work"] == {"profile": [1], "time": 5}, "the base is as it was"


def test_an_override_drops_its_rivals_and_makes_what_is_on_the_way():
    found = Document({"work": {"profile": [1], "time": 5}})
    place = Place("--set work.trace=t", None, Path())
    found.override(Root, ("work", "trace"), "t", place)
    found.override(Root, ("work", "time", "median"), 2, place)
    assert found.data == {"work": {"time": {"constant": 5, "median": 2}, "trace": "t"}}
    found.put(("a", "b"), 1, {("a", "b"): place})
    assert found.get(("a",)) == {"b": 1} and found.place(("a",)) == place
    found.drop(("work", "time"))
    assert ("work", "time") not in found.places and "time" not in found.data["work"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ":1: the file is empty"),
        ("- a\n", ":1: expected keys and values"),
        ("a: 1\nb: 2\na: 3\n", ":3: a: "),
        ("a: [1\nb: 2\n", ":2: "),
        ("a: &x 1\nb: 2024-01-01\n", None),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, says, document):
    if says is None:
        assert document(text).data["a"] == 1
        return
    with pytest.raises(ScenarioError) as error:
        document(text)
    assert says in str(error.value)


def test_a_value_of_an_override_is_yaml_without_a_line():
    assert value_of("{a: [1, x]}", "--set b") == {"a": [1, "x"]}
    with pytest.raises(ScenarioError) as error:
        value_of("[1", "--set b=[1")
    assert str(error.value).startswith("--set b=[1: ")


def test_what_is_dumped_has_a_key_a_line():
    assert dumped({"a": {"b": 1, "c": "x"}, "d": [1]}) == "a:\n  b: 1\n  c: x\nd:\n- 1\n"


def test_of_keys_that_contradict_each_other_the_one_set_last_counts(document):
    base = document("name: x\nwork: {trace: y}\n", "base.yaml")
    merged = merge(Root, base, document("name: z\n"))
    name, trace, time = ("name",), ("work", "trace"), ("work", "time")
    assert merged.last_set([trace, name]) == name  # the file, not its base
    assert merged.last_set([trace, time]) == trace  # no time is given
    assert merged.last_set([time]) == time
    assert base.last_set([trace, name]) == trace  # of equals, the first
    merged.override(Root, trace, "w", Place("--set work.trace=w", None, Path()))
    assert merged.last_set([name, trace]) == trace


def _bomb():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 12):
        lines.append(f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (_bomb(), 6, "with what its aliases repeat, more than 200,000 keys and values"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 500)),
            1,
            "more than 32 levels of keys and lists in each other",
        ),
        ("a: 1\nb: " + "[" * 3_000 + "]" * 3_000, 2, "more than 32 levels"),
        ("a: 1\nb: " + "{a: " * 3_000 + "1" + "}" * 3_000, 2, "more than 32 levels"),
        ("a:\n" + "".join(" " * i + "a:\n" for i in range(1, 1_500)), 32, "more than 32 levels"),
        ("- " * 3_000 + "x", 1, "more than 32 levels"),
        ("? " * 3_000 + "x", 1, "more than 32 levels"),
        ('{"a": ' * 3_000 + "1" + "}" * 3_000, 1, "more than 32 levels"),
        ("b: 1\n" + "".join(f"k{i}: 1\n" for i in range(11_000)), 10_001, "more than 10,000 keys"),
        ("".join(f"k{i}: 1\n" for i in range(400_000)), None, "more than 2 MiB"),
        ("b: [" + "\n1," * 410_000 + "]", 200_000, "more than 200,000 keys and values"),
    ],
    ids=["aliases", "alias chain", "lists", "mappings", "blocks", "dashes", "questions", "json",
         "keys", "bytes", "values"],
)  # fmt: skip
def test_what_is_larger_or_deeper_than_any_scenario_is_refused_before_it_is_read(
    text, line, says, tmp_path
):
    path = tmp_path / "attack.yaml"
    path.write_text(text)
    began = process_time()
    with pytest.raises(ScenarioError) as error:
        read(path)
    assert process_time() - began < 4.0
    (problem,) = error.value.problems
    assert (problem.file, problem.line) == (str(path), line)
    assert says in problem.message


@pytest.mark.parametrize(
    "text", [_bomb().replace("\n", ", ").join("{}"), "[" * 3_000, "{a: " * 3_000, "- " * 3_000]
)
def test_an_override_is_bounded_likewise(text):
    with pytest.raises(
        ScenarioError, match=r"--set x=.: (more than 32|with what its aliases repeat)"
    ):
        value_of(text, "--set x=…")


def test_ten_thousand_faults_are_a_document():
    fault = "- {at: 5s, fault: crash, target: kafka.counters.0, restart_after: 10s}"
    assert len(value_of("\n".join([fault] * 10_000), "--set faults")) == 10_000


def test_merging_thousands_of_keys_takes_no_square_of_them():
    place = Place("x", 1, Path())
    base = Document({"a": {}}, {(): place, ("a",): place})
    keys = {f"k{i}": {"x": i} for i in range(10_000)}
    places = {("a", key): place for key in keys} | {("a", key, "x"): place for key in keys}
    over = Document({"a": keys}, {(): place, ("a",): place, **places})
    began = process_time()
    merged = merge(None, base, over)
    assert process_time() - began < 2.0
    assert merged.data == {"a": keys}
    assert merged.places[("a", "k7", "x")] == place
    merged.drop(("a", "k7"))
    assert ("a", "k7", "x") not in merged.places
    assert ("a", "k8", "x") in merged.places
