"""What a workload may say, and what contradicts itself within it."""

import pytest
from pydantic import ValidationError

from sim.scenario.workload import Amount, Arrivals, Key, Segment, Service, Sine, Trace, Workload

SERVICE = {"job": {"per_message": "1 ms"}}
STEADY = {"profile": [{"for": "1 min", "rate": "5/s"}]}
WORK = {"arrivals": STEADY, "service": SERVICE}
ONE = {"count": 1}
LIFE = {"states": ["new", "done"], "gap": "1 s", "amount": {"median": 10, "p99": 90}}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"rate": 0}, "rate"),
        ({"from": 0, "to": "5/s"}, "ramp"),
        ({"spike": {"base": 1, "peak": 5, "rise": 1, "decay": 1, "at": 5}}, "spike"),
        ({"sine": {"mean": 5, "amplitude": 5, "period": 60}}, "sine"),
    ],
)
def test_a_segment_is_one_of_four_kinds(given, kind):
    assert Segment.model_validate({"for": "10 s", **given}).kind == kind


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (Segment, {"for": 1, "from": 0}, "a ramp takes both 'from' and 'to'"),
        (
            Segment,
            {"for": 1, "spike": {"base": 1, "peak": 5, "rise": 1, "decay": 1, "at": 5}},
            "later than the end of its segment",
        ),
        (
            Segment,
            {"for": 1, "rate": 1, "sine": {"mean": 1, "amplitude": 1, "period": 1}},
            "one of",
        ),
        (Sine, {"mean": 1, "amplitude": 2, "period": 1}, "the amplitude must not exceed the mean"),
        (Amount, {"median": 2, "p99": 1}, "the p99 must not be less than the median"),
        (Key, {"zipf": 1}, "'zipf' needs a 'count' of values"),
        (Key, {"weights": {"a": 0, "b": 0}}, "the weights must not all be 0"),
        (
            Arrivals,
            {"trace": "t.csv", **STEADY},
            "give exactly one of rate, profile, counts, trace",
        ),
        (Arrivals, {"dispersion": 0.5, **STEADY}, "greater than or equal to 1"),
        (Trace, {"path": "t.csv", "column": True}, "expected a column's name or number, not"),
        (
            Workload,
            {
                "arrivals": STEADY,
                "service": SERVICE,
                "keys": {"a": {"lifecycle": LIFE}, "b": ONE},
            },
            "a dimension with a lifecycle must be the only one of 'keys'",
        ),
        (
            Workload,
            {
                "arrivals": STEADY,
                "service": SERVICE,
                "cases": "c.csv",
                "keys": {"a": ONE, "b": ONE},
            },
            "'cases' need 'keys' of one dimension, the case",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(model, given, said):
    with pytest.raises(ValidationError) as error:
        model.model_validate(given)
    assert said in str(error.value)


def test_bare_values_and_defaults():
    made = Workload.model_validate({**WORK, "keys": {"a": {"count": 3}}})
    assert made.size == 300 and made.order_by is None and made.arrivals.dispersion == 1
    assert made.service["job"] == Service.model_validate({"per_message": {"constant": 0.001}})
    trace = Trace.model_validate("t.csv")
    assert trace.path == "t.csv" and str(trace.file) == "t.csv" and trace.column is None
    assert Trace.model_validate({"path": "t", "column": 2}).column == 2
