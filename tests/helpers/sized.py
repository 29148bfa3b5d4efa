"""What `sim size` answers, held against a sweep of every setting up to it, with other seeds."""

from dataclasses import dataclass

from sim.measure.intervals import of_share
from sim.scenario.load import load
from sim.studies.design import design
from sim.studies.design import read as read_varied
from sim.studies.dials import alone, read_dials
from sim.studies.goals import COUNTS, TIMES, read_goal
from sim.studies.sizing import SHARE, size_system
from sim.studies.sweeps import sweep

OTHER_SEEDS = 100_000
"""The sweep's are so far from those of the search."""


@dataclass(frozen=True)
class Case:
    """A shipped scenario, one key of one group, and what is asked of it."""

    scenario: str
    path: str
    most: int
    goal: str
    overrides: tuple[str, ...] = ()


CASES = (
    # A tenth of the traffic, since runs are many; with 25 ms for each event one consumer is too
    # few, and the most popular video, 17 % of all, keeps one of them half busy at the peak.
    Case(
        "tournament_spike",
        "systems.kafka.groups.counters.consumers",
        12,
        "p99 < 10s",
        ("workload.arrivals.multiply=0.1", "workload.service.counters.per_message=25ms"),
    ),
    Case(
        "tournament_spike",
        "systems.sqs_fanout.queues.analytics.workers",
        12,
        "p99 < 10s",
        ("workload.arrivals.multiply=0.1",),
    ),
    # Six times the jobs: at three a second one worker will do.
    Case(
        "celery_jobs",
        "systems.celery.queues.jobs.workers",
        12,
        "p99 < 30s",
        ("workload.arrivals.multiply=6",),
    ),
    # 2 % of the jobs fail three times, and wait a minute each time: p99 is theirs.
    Case("celery_jobs", "systems.sqs.queues.jobs.workers", 12, "p50 < 1s"),
    Case("head_of_line", "systems.sqs.queues.lookup.workers", 12, "p99 < 1s"),
    Case(
        "head_of_line",
        "systems.kafka_share_group_3_partitions.share_groups.lookup.consumers",
        24,
        "p99 < 5s",
    ),
)


@dataclass(frozen=True)
class Confirmed:
    """What came of both."""

    answer: int | None
    """Of the search; None: it found none."""
    open: list[int]
    """Smaller settings of which the answer says itself that it does not know."""
    runs: int
    """Of the search."""
    met: dict[int, int]
    """Of each setting up to the answer, in how many runs of the sweep the goal was met."""
    of: int
    """Runs of each setting in the sweep."""

    @property
    def holds(self):
        """Whether the answer meets the goal in the share of runs that was asked for, and no
        smaller setting does: none is excepted."""
        enough = {n: met >= SHARE * self.of for n, met in self.met.items()}
        return enough == {n: n == self.answer for n in enough}

    @property
    def close(self):
        """Settings of which the sweep alone, with 95 % confidence, could not tell on which side of
        the share they are."""
        between = {n: of_share(met, self.of) for n, met in self.met.items()}
        return [n for n, its in between.items() if its.low < SHARE <= its.high]


def confirmed(case, folder, replications, jobs=None):
    """Size, and try every setting up to the answer, or up to the most if there is none."""
    whole = load(case.scenario, list(case.overrides))
    (dial,) = read_dials([f"{case.path}=1..{case.most}"], whole)
    goals = [read_goal(case.goal, list(whole.systems[dial.system].readers))]
    sized = size_system(whole, [dial], goals, folder / "size", jobs=jobs)
    answer = None if sized.answer is None else sized.answer[0]
    one = alone(whole, dial.system)
    one = one.with_({"seed": one.seed + OTHER_SEEDS})
    top = answer or case.most
    # A sweep has two levels or more; where the answer is 1, one more is run and not looked at.
    levels = ",".join(map(str, range(1, max(top, 2) + 1)))
    its = design(read_varied([f"{case.path}={levels}"], one), "grid", None, one.seed)
    found = sweep(one, its, replications, folder, jobs=jobs)
    met = {}
    for n, runs in found.of(dial.system, dial.group).groupby(case.path):
        if n <= top:
            met[int(n)] = int(_met(goals[0], runs).sum())
    return Confirmed(answer, [v[0] for v in sized.open], sized.runs, met, replications)


def _met(goal, runs):
    """Of each run of a sweep whether it met the goal, from the summary and not from the search."""
    column = {**COUNTS, **TIMES}.get(goal.measure, f"latency_{goal.measure}_s")
    below = runs[column] < goal.limit if goal.strict else runs[column] <= goal.limit
    # Of messages that are left nobody knows how long they take.
    return below & (runs["unfinished"] == 0) if goal.seconds else below
