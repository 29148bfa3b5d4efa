"""What a calibration found, in words."""

from collections.abc import Iterator, Mapping
from math import inf

from sim.foundation.text import count, duration, names
from sim.measure.intervals import Interval
from sim.studies.calibration import CONFIDENCE, FEWEST, Calibrated, Fit

_WHAT = {
    "none": "no fault",
    "slow": "consumers that are slower for a while",
    "pause": "consumers that stand still for a while",
    "traffic": "more traffic for a while",
}


_LOUD = 0.5
"""Of what is left of the curve, from which on it is said how much of it the samples' jumps are."""


def told(found: Calibrated) -> Iterator[str]:
    """Sentences, the explanation first."""
    best, o = found.best, found.observed
    v = best.values
    of = f" of {names(found.jobs)}" if _does_more(found) else ""
    yield f"Work per message{of} is {_times(v['work'])} what the scenario says"
    if "arrivals" in v:
        yield f"Traffic is {_times(v['arrivals'])} what the scenario says"
    yield explained(best)
    peak = float(o.lag.max())
    close = "no more than chance" if best.enough else f"chance makes {count(best.chance)} at most"
    yield (
        f"The curve is {count(best.rms)} messages off (root mean square), of a peak of "
        f"{count(peak)}: {close}"
    )
    if o.lag.size >= FEWEST and not best.enough and o.jitter > _LOUD * best.rms:
        yield (
            f"Samples jump by themselves: they are {count(o.jitter)} off a smooth curve through "
            f"them, {o.jitter / max(float(o.lag.mean()), 1.0):.0%} of their mean, and no fit comes "
            "much closer than that"
        )
    others = [
        f"{_WHAT[fit.kind.name]} ({count(fit.rms)} off)" for fit in found.fits if fit is not best
    ]
    if others:
        yield f"Tried as well: {names(others)}"
    yield from _unknown(best, o.duration_s)
    yield from found.notes


def _does_more(found: Calibrated) -> bool:
    """Whether the group does several jobs."""
    o = found.observed
    return len(found.scenario.systems[o.system].readers[o.group].does) > 1


def explained(fit: Fit) -> str:
    """The fault, or that there is none."""
    v = fit.values
    if fit.kind.name == "none":
        return "No fault is needed: work and traffic alone give the curve"
    when = f"from {_time(v['begin'])} for {_time(v['length'])}"
    if fit.kind.name == "slow":
        return f"Consumers were {_times(v['factor'])} slower {when}"
    if fit.kind.name == "pause":
        return f"Consumers stood still {when}"
    return f"Traffic was {_times(v['factor'])} as much {when}"


def _unknown(fit: Fit, duration_s: float) -> Iterator[str]:
    """What the data do not tell."""
    for one, other, _ in fit.alike:
        yield (
            f"The data cannot tell {_NAMES[one]} from {_NAMES[other]}: more of the one looks like "
            "less of the other, or more"
        )
    for name, its in fit.values.items():
        whole = its.high - its.low >= 0.99 * duration_s and name in ("begin", "length")
        if (
            whole
            or its.high == inf
            or (name not in ("begin", "length") and its.high > 30 * its.low)
        ):
            yield f"The data do not tell {_NAMES[name]}"


_NAMES: Mapping[str, str] = {
    "work": "the work per message",
    "arrivals": "the traffic",
    "begin": "when it began",
    "length": "how long it lasted",
    "factor": "by how much",
}


def _times(its: Interval) -> str:
    return f"{its.estimate:.3g} times ({its.low:.3g} to {its.high:.3g})"


def _time(its: Interval) -> str:
    off_s = max(its.high - its.estimate, its.estimate - its.low)
    return f"{duration(its.estimate)} (give or take {duration(off_s)})"


LAST = f"Intervals are of {CONFIDENCE:.0%}, from runs with other draws."
"""What to say below."""
