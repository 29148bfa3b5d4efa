"""What was seen of a system, held against the needs: met or not, and the numbers that say so."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.advice.trial import Seen, Trial
from sim.foundation.text import count, duration
from sim.scenario.needs import Needs


@dataclass(frozen=True)
class Judgement:
    """One need, held against one system."""

    need: str
    """As in the scenario: `order: per_key`."""
    met: bool
    said: str
    """What was seen, as a clause."""


def keeps_pace(needs: Needs, seen: Seen) -> bool:
    """Whether a group was quick enough: for more workers, the only needs that count."""
    if seen.unfinished:
        return False
    if needs.drain is not None and seen.drain_s > needs.drain:
        return False
    return needs.max_delay is None or seen.delay_s <= needs.max_delay


def judge(
    needs: Needs,
    trial: Trial,
    *,
    halting: Trial | None = None,
    replayed: Trial | None = None,
    slowed: Sequence[tuple[str, Trial]] = (),
) -> list[Judgement]:
    """Every need that the scenario states, and that everything is processed in the end.

    Args:
        needs: of the scenario.
        trial: what was seen.
        halting: the same with twice the workers of each group, and at least four, of which the
            first stands still for five seconds now and then. What is in order only as long as a
            single worker does all, or none ever halts, does not keep order.
        replayed: the same with a seek to the beginning at the end of arrivals.
        slowed: further trials, in each of which the job named takes twenty times as long.
    """
    judged = [_finished(trial)]
    if needs.max_delay is not None:
        judged.append(_quick(needs, needs.max_delay, trial))
    if needs.drain is not None:
        judged.append(_drained(needs.drain, trial))
    if needs.loss != "some":
        judged.append(_kept(needs, trial))
    if needs.double_effects == "none":
        judged.append(_once(trial))
    if needs.order != "none":
        judged.append(_in_order(needs, trial, halting))
    if needs.replay == "required" and replayed is not None:
        judged.append(_still_there(replayed))
    if needs.routing and needs.unwanted == "none":
        judged.append(_routed(trial))
    if needs.readers == "independent":
        judged += [_independent(needs, trial, job, other) for job, other in slowed]
    return judged


def _of(part: int, whole: int) -> str:
    return f"{count(part)} of {count(whole)} messages"


def _where(trial: Trial, seen: Seen) -> str:
    return f" in {seen.group}" if len(trial.seen) > 1 else ""


def _team(seen: Seen) -> str:
    return f"{seen.workers} worker{'' if seen.workers == 1 else 's'}"


def _is_are(n: int) -> str:
    return "is" if n == 1 else "are"


def _finished(trial: Trial) -> Judgement:
    worst = trial.worst("unfinished")
    n = worst.unfinished
    said = (
        f"{_of(n, worst.produced)} {_is_are(n)} still unprocessed{_where(trial, worst)} when the "
        "run ends"
    )
    return Judgement("everything is processed", n == 0, said if n else "everything is processed")


def _quick(needs: Needs, max_delay_s: float, trial: Trial) -> Judgement:
    worst = trial.worst("delay_s")
    which = "every message" if needs.quantile == 1 else f"{100 * needs.quantile:.6g} %"
    said = (
        f"{which} within {duration(worst.delay_s)}{_where(trial, worst)}"
        if worst.unfinished == 0
        else f"at the end some still wait{_where(trial, worst)}"
    )
    met = worst.delay_s <= max_delay_s
    if not met:
        said += f" with {_team(worst)}, where {duration(max_delay_s)} are allowed"
    return Judgement(f"max_delay: {duration(max_delay_s)}", met, said)


def _drained(limit_s: float, trial: Trial) -> Judgement:
    worst = trial.worst("drain_s")
    said = f"drained {duration(worst.drain_s)} after arrivals end{_where(trial, worst)}"
    return Judgement(f"drain: {duration(limit_s)}", worst.drain_s <= limit_s, said)


def _kept(needs: Needs, trial: Trial) -> Judgement:
    allowed = 0.0 if needs.loss == "none" else float(needs.loss)
    worst = max(trial.seen, key=lambda seen: seen.lost / max(1, seen.produced))
    said = f"{_of(worst.lost, worst.produced)} {_is_are(worst.lost)} lost{_where(trial, worst)}"
    if not worst.lost:
        said = "no message is lost"
    if aside := trial.sum("dead_lettered"):
        said += f", {count(aside)} dead-lettered"
    need = "none" if needs.loss == "none" else f"{100 * allowed:.6g} %"
    return Judgement(f"loss: {need}", worst.lost <= allowed * worst.produced, said)


def _once(trial: Trial) -> Judgement:
    worst = trial.worst("double_effects")
    n = worst.double_effects
    said = f"{_of(n, worst.produced)} {_is_are(n)} processed again{_where(trial, worst)}"
    return Judgement("double_effects: none", n == 0, said if n else "no message takes effect twice")


def _in_order(needs: Needs, trial: Trial, halting: Trial | None) -> Judgement:
    alone_is_wrong = trial.sum("violations") > 0
    if halting is not None and not alone_is_wrong:
        trial = halting
    worst = trial.worst("violations")
    n = worst.violations
    said = f"{_of(n, worst.produced)} {_is_are(n)} processed out of order{_where(trial, worst)}"
    how = "" if alone_is_wrong else ", one of which stands still for 5 s now and then"
    said = f"{said} with {_team(worst)}{how}" if n else "no message is processed out of order"
    return Judgement(f"order: {needs.order}", n == 0, said)


def _still_there(replayed: Trial) -> Judgement:
    worst = replayed.worst("unrecoverable")
    n = worst.unrecoverable
    said = (
        f"of {count(worst.produced)} messages that are to be read again, "
        f"{count(n) if n < worst.produced else 'all'} are gone{_where(replayed, worst)}"
    )
    there = "everything is still there to be read again"
    return Judgement("replay: required", n == 0, said if n else there)


def _routed(trial: Trial) -> Judgement:
    worst = max(trial.seen, key=lambda seen: seen.handed / max(1, seen.produced))
    met = worst.handed <= worst.produced
    said = (
        "each job is handed only the messages that it wants"
        if met
        else f"{worst.group} is handed {count(worst.handed)} messages, of which it wants "
        f"{count(worst.produced)}"
    )
    return Judgement("routing", met, said)


def _independent(needs: Needs, trial: Trial, job: str, slowed: Trial) -> Judgement:
    """The others keep their delay (or twice what it was) when one job takes far longer."""
    before = {seen.group: seen for seen in trial.seen}
    held_up = [
        seen
        for seen in slowed.seen
        if seen.group != job
        and seen.delay_s > max(needs.max_delay or 0.0, 2 * before[seen.group].delay_s + 1.0)
    ]
    if not held_up:
        said = f"a slow {job} holds up no other job"
        return Judgement("readers: independent", True, said)
    worst = max(held_up, key=lambda seen: seen.delay_s)
    return Judgement(
        "readers: independent",
        False,
        f"when {job} takes twenty times as long, {worst.group} is delayed by "
        f"{duration(worst.delay_s)} instead of {duration(before[worst.group].delay_s)}",
    )
