"""What faults do to whole groups: a function for each.

A deploy, a change of scale and an autoscaler are made of SIGTERM and new processes, a shared
database of slow-downs.
"""

from collections.abc import Sequence
from functools import singledispatch
from math import inf

from sim.engine.environment import Steps
from sim.engine.system import Seekable, Sought
from sim.foundation.text import count
from sim.injection.autoscale import autoscale
from sim.injection.context import Context
from sim.injection.crew import Crew
from sim.scenario.faults.base import GroupFault
from sim.scenario.faults.groups import (
    AutoscaleFault,
    BugFault,
    DatabaseFault,
    DeployFault,
    PoisonFault,
    ScaleFault,
    SeekFault,
    SnapshotHeldFault,
)
from sim.scenario.faults.settings import AttributesFault

_DATABASE_STEP_S = 1.0


@singledispatch
def strike(fault: GroupFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Strike groups, at the present time; each fault has its own function below.

    Args:
        fault: what happens.
        crews: of the groups; one, unless the fault strikes all of them as one.
        context: where it happens.
    """
    raise NotImplementedError(f"{fault.fault} cannot strike a group")


@strike.register
def _deploy(fault: DeployFault, crews: Sequence[Crew], context: Context) -> Steps:
    (crew,) = crews
    end = context.timeline.begin(fault.words(crew.name))
    left = list(crew.wanted)

    def replace() -> Steps:
        while left:
            consumer = left.pop(0)
            yield from crew.end(consumer, fault.grace)
            yield from crew.start(consumer, fault.startup)

    yield context.env.all_of([context.env.process(replace()) for _ in range(fault.max_unavailable)])
    end()


@strike.register
def _scale(fault: ScaleFault, crews: Sequence[Crew], context: Context) -> Steps:
    (crew,) = crews
    to = context.scaled(fault.to)
    context.timeline.say(f"{fault.words(crew.name)} to {to}")
    crew.scale(to, fault.grace, fault.startup)
    yield from ()


@strike.register
def _autoscale(fault: AutoscaleFault, crews: Sequence[Crew], context: Context) -> Steps:
    (crew,) = crews
    context.timeline.say(fault.words(crew.name))
    yield from autoscale(
        context.env,
        crew,
        fault.scaler,
        at_scale=context.scaled,
        grace_s=fault.grace,
        startup_s=fault.startup,
        until_s=inf if fault.for_ is None else context.env.now + fault.for_,
        say=context.timeline.say,
        path=f"{context.path_of(fault)}.scaler",
    )


@strike.register
def _share_database(fault: DatabaseFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Set the factor of all consumers every second, from how many are at work then."""
    context.timeline.lasts(fault.words(", ".join(crew.name for crew in crews)), fault.for_)
    until_s = inf if fault.for_ is None else context.env.now + fault.for_
    while context.env.now < until_s:
        n = max(1, sum(crew.fleet.busy() for crew in crews))
        factor = 1.0 + fault.contention * (n - 1) + fault.coherency * n * (n - 1)
        for crew in crews:
            for consumer in crew.wanted:
                crew.slow(consumer, "database", factor)
        yield context.env.timeout(min(_DATABASE_STEP_S, until_s - context.env.now))
    for crew in crews:
        for consumer in crew.wanted:
            crew.slow(consumer, "database", 1.0)


@strike.register
def _hold_snapshot(fault: SnapshotHeldFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Nothing is done at this time: the queue knows from the scenario when snapshots are held."""
    (crew,) = crews
    context.timeline.lasts(fault.words(crew.name), fault.for_)
    yield from ()


@strike.register
def _poison(fault: PoisonFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Nothing is done at this time: `sim.injection.poison` says what is poisonous."""
    (crew,) = crews
    context.timeline.say(fault.words(crew.name))
    yield from ()


@strike.register
def _seek(fault: SeekFault, crews: Sequence[Crew], context: Context) -> Steps:
    (crew,) = crews
    yield context.env.timeout(0.0)  # after what the brokers delete at this very time
    sought: Sought | None
    if fault.snapshot is None:
        sought = crew.fleet.seek(fault.place_s)
    else:
        assert isinstance(crew.fleet, Seekable), "only subscriptions have snapshots"
        sought = crew.fleet.seek_snapshot(fault.snapshot)
    if sought is None:
        context.timeline.say(f"{fault.words(crew.name)}: refused, there is none")
        return
    crew.replay.gone += sought.gone
    found = f"{count(sought.asked)} again"
    if sought.gone:
        found = f"{count(sought.gone)} of {count(sought.asked)} gone"
    if sought.unread:
        found += f", {count(sought.unread)} acknowledged unread"
    context.timeline.say(f"{fault.words(crew.name)}: {found}")


@strike.register
def _bug(fault: BugFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Effects are written down as wrong by `sim.injection.replay`, when the run is over."""
    (crew,) = crews
    context.timeline.lasts(fault.words(crew.name), fault.for_)
    crew.replay.buggy_s.append((context.env.now, context.env.now + fault.for_))
    yield from ()


@strike.register
def _set(fault: AttributesFault, crews: Sequence[Crew], context: Context) -> Steps:
    """Nothing is done at this time: the queue knows from the scenario when it takes effect."""
    for crew in crews:
        context.timeline.say(fault.words(crew.name))
    yield from ()
