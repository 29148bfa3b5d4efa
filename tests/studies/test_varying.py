"""What stands after `--vary`."""

import pytest

from helpers.sweeps import CONSUMERS, WORK
from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.studies.varying import Range, check_distinct, read

_EXAMPLES = "expected this"


def test_a_text_is_taken_apart():
    its = read(f" {WORK} = 10ms..1s:log:7 ", scenario(), _EXAMPLES)
    assert (its.path, its.values) == (WORK, "10ms..1s:log:7")
    assert its.keys[-1] == "per_message"
    assert its.between == Range("10ms", "1s", ("log", "7"))
    assert read(f"{CONSUMERS}=1,2", scenario(), _EXAMPLES).between is None
    assert read(CONSUMERS, scenario(), _EXAMPLES, bare=True).values == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONSUMERS, f"--vary {CONSUMERS}: expected this"),
        (f"{CONSUMERS}=", "expected this"),
        ("=1,2", "expected this"),
        ("nothing=1,2", "--vary nothing=1,2: nothing: unknown key; known: name"),
        # Down is what is wrong with it, whatever is with the end that is no value of the key.
        (f"{CONSUMERS}=4..0", "the first end of a range is the lower one"),
        (f"{WORK}=1s..10ms", "the first end of a range is the lower one"),
        ("size=1KiB..1B", "unknown key"),
    ],
)
def test_what_is_of_another_form_is_refused(text, said):
    with pytest.raises(LabError) as refused:
        read(text, scenario(), _EXAMPLES)
    assert said in str(refused.value)


def test_an_end_without_a_unit_is_not_held_against_one_with_a_unit():
    # Of a key in ms, 500 is less than a second.
    path = "systems.kafka.groups.g.max.poll.interval.ms"
    assert read(f"{path}=500..1s", scenario(), _EXAMPLES).between == Range("500", "1s", ())


def test_no_key_is_varied_twice():
    check_distinct(["a", "b"])
    with pytest.raises(LabError, match="--vary b: given twice"):
        check_distinct(["b", "a", "b"])
