"""What systems on the log mechanism share: groups that read a topic, and what comes of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf

import numpy as np
import simpy

from sim.engine.environment import SideBySide
from sim.engine.held_up import Taken
from sim.engine.outcome import Effects, Fate, GroupOutcome, Offsets, Publication
from sim.engine.system import Setup, Take, Upstream
from sim.engine.waits import Limit, Sent
from sim.foundation.arrays import F32, I32, I64, U8
from sim.foundation.errors import LabError
from sim.injection.poison import poison
from sim.injection.replay import repeats_kept
from sim.log import group_state as k
from sim.log.fates import told, unread
from sim.log.group import Group
from sim.log.parts import Behind, LogWaits
from sim.log.retention import Altered, Limits, Retention
from sim.log.topic import Topic
from sim.log.truncation import done_s
from sim.log.windows import LogWindows
from sim.scenario.products.base import LogReaders
from sim.systems.log_limits import Keys, limits_of
from sim.traffic.backlog import done_before
from sim.traffic.messages import Messages


class LogSystem:
    """One topic, read by every group: what every `sim.engine.system.System` of this kind shares."""

    upstream: Upstream | None = None
    """What stands in front of the topic and can fail; set by `control`."""
    per_record_s = 0.0
    """The client's own work for each record, s."""

    def __init__(
        self,
        setup: Setup,
        topic: Topic,
        groups: dict[str, Group],
        configs: Mapping[str, LogReaders],
        *,
        lost: U8 | None = None,
        limits: Limits | None = None,
        altered: Altered = (),
        retention: type[Retention] = Retention,
        sent: Sent | None = None,
        others: Sequence[Topic] = (),
    ) -> None:
        """
        Args:
            setup: of the system.
            topic: what the groups read.
            others: the same log as some of them see it, where that differs.
            groups: the groups by name.
            configs: their configurations.
            lost: [messages] a `Fate`: how it was lost before it got into the log, or UNFINISHED;
                None: none was.
            limits: of what the topic keeps; None: it keeps everything.
            altered: what of these limits is set anew while it runs.
            retention: what deletes from it.
            sent: how messages get into the log; None: as the topic says.
        """
        messages = setup.messages
        self.setup = setup
        self.live = messages
        self.topic = topic
        self.sent: Sent = topic if sent is None else sent
        self.groups = groups
        self.configs = configs
        self.lost = lost
        self.only = setup.that_wait(
            messages.of_each({group: c.only for group, c in configs.items()})
        )
        self.retentions: list[Retention] = []
        """Of each topic, what deletes from it; none: nothing is old enough within a run."""
        self.check_s = inf if limits is None else limits.check_s
        """Time between two checks of retention, s."""
        oldest_s = messages.created_s[0] if messages.waiting else 0.0
        within_s = horizon_s(setup) - oldest_s
        if limits is not None and (
            limits.bite(within_s)
            or any(
                replace(limits, retention_s=age_s, retention_bytes=most).bite(within_s)
                for _, age_s, most in altered
            )
        ):
            self.retentions = [
                retention(its, messages.size_bytes, limits, altered) for its in (topic, *others)
            ]
        self.readers = SideBySide(list(groups.values()), setup.total, messages.duration_s)
        self.behind = {name: Behind(its.topic.gone.size) for name, its in groups.items()}
        """Of each group, what waited behind others."""
        self.windows: LogWindows | None = None
        """Where messages come window by window."""
        if setup.windows is not None:
            self.windows = LogWindows(topic, groups, setup.total, setup.grid_s)

    def _start_retention(self, env: simpy.Environment) -> None:
        for retention in self.retentions:
            env.process(retention.run(env, self._deleted))

    def topic_of(self, name: str) -> Topic:
        """What a group reads, as it is kept."""
        return self.topic

    def retention_of(self, topic: Topic) -> Retention | None:
        """What deletes from a topic; None: nothing."""
        return next((its for its in self.retentions if its.topic is topic), None)

    def _deleted(self, at_s: float) -> None:
        for group in self.groups.values():
            group.deleted(at_s)

    def total(self) -> int:
        """Records that will be in the log, over all groups."""
        return self.topic.records() * len(self.groups)

    def settled(self) -> int:
        """Records committed or skipped, over all groups."""
        return sum(group.settled() for group in self.groups.values())

    def done(self) -> bool:
        """Whether the groups have done with all that is in the log, and nothing more will be."""
        return self.settled() == self.total()

    def taken(self, waits_for: str) -> Taken:
        """As `sim.engine.system.System.taken`: once it can be read."""
        at_s = self.topic.to_messages(self.topic.log.visible_s, np.inf)
        trip_s = np.where(at_s < np.inf, at_s - self.setup.messages.created_s, 0.0)
        return Taken(at_s, trip_s)

    def publication(self, ended_s: float) -> Publication | None:
        """What became of the publisher; None: all that is produced gets into the log."""

    def consumers(self, group: str) -> int:
        """How many places of a group ever had a consumer."""
        return int(self.groups[group].used.sum())

    def partitions_of(self, messages: Messages) -> I32:
        """[messages] partition of each; where messages come window by window."""
        raise NotImplementedError

    def roll_on(self, now_s: float, following: Messages, take: Take) -> None:
        """As `sim.engine.system.Rolling.roll_on`."""
        windows = self.windows
        assert windows is not None, "all messages are known"
        windows.note(now_s)
        final = windows.final()
        for name, group in self.groups.items():
            waited = self.waited(name, group, self.behind[name])
            take(name, self.live, windows.became(group, waited), final)
        more_s = np.float32(self.per_record_s)
        work_s = [self.setup.work_s(name, its.does) + more_s for name, its in self.configs.items()]
        windows.roll_on(final, following.created_s, self.partitions_of(following), work_s)
        self.live = self.live.rolled_on(final, following)

    def sending_limits(self) -> Iterator[Limit]:
        """Limits that acted on those who send: none, where nobody says otherwise."""
        yield from ()

    def keys(self, name: str) -> Keys:
        """What the product calls the limits that can act on a group."""
        return {}

    def reading_limits(self, name: str) -> Iterator[Limit]:
        """Limits that acted on what a group is given to read: none, where nobody says otherwise."""
        yield from ()

    def waited(self, name: str, group: Group, behind: Behind | None = None) -> LogWaits:
        """What a group's messages waited for; ``behind``: as in `LogWaits`."""
        return LogWaits(group, self.sent, per_record_s=self.per_record_s, behind=behind)

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome; its memory is freed when the next is asked for."""
        t = self.setup.grid_s[self.setup.grid_s <= ended_s]
        self.readers.stages = []
        if self.windows is not None:
            self.windows.note(np.nextafter(ended_s, inf))
        for name in list(self.groups):
            topic = self.topic_of(name)
            retention = self.retention_of(topic)
            log_end = topic.log_end(t) if self.windows is None else self.windows.end[: t.size]
            start = np.zeros_like(log_end) if retention is None else retention.starts(t)
            consumers = self.consumers(name)
            group = self.groups.pop(name)
            group.finish(ended_s)
            self.waited(name, group, self.behind[name]).note_behind()
            offsets = self._offsets(name, group, log_end, start)
            effects = topic.to_messages(group.effects, 0, np.add)
            first_s = topic.to_messages(group.done_s, np.inf)
            for gone in group.truncated:
                np.add.at(effects, gone.message, gone.effects)
                np.minimum.at(first_s, gone.message, gone.done_s)
            fate = _FATE_OF_PROCESSED[(effects > 0).view(np.uint8)]
            rows = unread(group)
            if rows is not None:
                passed = topic.to_messages(rows, _NOT_IN_LOG)
                passed[passed == _NOT_IN_LOG] = Fate.UNFINISHED
                np.maximum(fate, passed * (effects == 0), out=fate)
            if self.lost is not None:
                np.maximum(fate, self.lost * (effects == 0), out=fate)
            outcome = GroupOutcome(
                system=self.setup.name,
                group=name,
                kind="log",
                product=self.setup.product,
                fate=fate,
                done_s=first_s,
                effects=effects,
                gauges_t_s=t,
                gauges={
                    "log_end": offsets.end.sum(axis=1),
                    "position": _known(offsets.position, offsets.end).sum(axis=1),
                    "committed": _known(offsets.committed, offsets.end).sum(axis=1),
                },
                history=self._history(group, topic) if len(group.state.records.again_s) else None,
                consumers=consumers,
                extra_deliveries=group.counts.handed - group.runs.distinct(),
                deliveries=group.counts.handed,
                calls=group.counts.polls,
                happened=list(told(group, name, self.check_s)),
                offsets=offsets,
                waits=self.waited(name, group),
                limits=[
                    *limits_of(group, self.keys(name), fate, self.behind[name], retention),
                    *self.reading_limits(name),
                ],
            )
            outcome = self.completed(name, outcome, ended_s)
            yield outcome.only(self.only[name]) if name in self.only else outcome

    def completed(self, name: str, outcome: GroupOutcome, ended_s: float) -> GroupOutcome:
        """What became of a group's messages outside of its topic, added: nothing, in most cases."""
        return outcome

    def _offsets(self, name: str, group: Group, log_end: I64, start: I64) -> Offsets:
        seen, samples = group.state.samples, len(log_end)
        return Offsets(
            start=start,
            end=log_end,
            position=np.asarray(seen.position)[:samples],
            committed=np.asarray(seen.committed)[:samples],
            commit_s=np.asarray(seen.commit_s)[:samples],
            readable_s=self.topic_of(name).readable_s,
            done_s=partial(done_s, group),
            known_s=None if self.windows is None else self.windows.waited_s[name],
        )

    def _history(self, group: Group, topic: Topic) -> Effects:
        records, log = group.state.records, topic.log
        repeats = records.repeats
        if repeats > len(records.again_s):
            name = self.setup.name
            raise LabError(f"{name}: {repeats:,} repeated effects, more than the lab can keep")
        gone = group.truncated
        return Effects.of(
            np.concatenate([group.done_s, *(cut.done_s for cut in gone)]),
            np.concatenate([log.message, *(cut.message for cut in gone)]),
            np.asarray(records.again_s)[:repeats],
            np.asarray(records.again_message)[:repeats],
        )


def group_of(
    setup: Setup,
    topic: Topic,
    name: str,
    config: LogReaders,
    reading: k.Reading,
    members: int,
    *,
    committed: bool = True,
    started: int | None = None,
    per_record_s: float = 0.0,
) -> Group:
    """A group of a system, with what the scenario says of it: its work, its poison, its repeats.

    Args:
        setup: of the system.
        topic: what the group reads.
        name: of the group.
        config: its configuration.
        reading: how its members poll and commit.
        members: places for them.
        committed: as in `Group`.
        started: likewise.
        per_record_s: the client's own work for each record, s.
    """
    return Group(
        topic,
        picky_service_s(setup, name, config) + np.float32(per_record_s),
        members,
        reading,
        setup.grid_s,
        keep_repeats=repeats_kept(setup, name),
        committed=committed,
        begins=_begins(setup, topic, name),
        started=started,
        poison=poison(setup, name, wanted_by(setup, config)),
    )


def _begins(setup: Setup, topic: Topic, name: str) -> I64:
    """[partitions] committed offsets of a group at the start: behind what is done by then."""
    log, done = topic.log, done_before(setup.scenario, setup.name, name)
    ends = zip(log.start[:-1], log.end, strict=True)
    rows = [log.message[start : start + end] < done for start, end in ends]
    return np.array([np.count_nonzero(its) for its in rows], np.int64)


def horizon_s(setup: Setup) -> float:
    """When a run ends at the latest, s."""
    return setup.messages.duration_s + setup.scenario.drain_limit


def named(group: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """How a group says what happens to it."""
    return lambda text: say(f"{group}: {text}")


def wanted_by(setup: Setup, readers: LogReaders) -> I32 | None:
    """The messages that readers of a log want, ascending; None: all."""
    return setup.messages.where(readers.only) if readers.only else None


def picky_service_s(setup: Setup, group: str, readers: LogReaders) -> F32:
    """[messages] work of each, s: of those that its readers do not want, to look at them."""
    messages = setup.messages
    work_s = setup.work_s(group, readers.does)
    rows = wanted_by(setup, readers)
    if rows is None:
        return work_s
    discarded_s = np.full(len(messages), readers.discard, np.float32)
    discarded_s[rows] = work_s[rows]
    return discarded_s


def _known(offsets: I64, end: I64) -> I64:
    """Offsets, and the log end where there is none: a lag that is undefined counts as none."""
    return np.where(offsets < 0, end, offsets)


_NOT_IN_LOG = 255
_FATE_OF_PROCESSED = np.array([Fate.UNFINISHED, Fate.PROCESSED], np.uint8)
