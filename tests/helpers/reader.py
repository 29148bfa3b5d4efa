"""One partition, and one consumer that takes its time."""

import numpy as np

from helpers.log_scenarios import reading_of, topic_of
from models.plain_log import Settings
from sim.engine.environment import Environment
from sim.log import group_state as k
from sim.log.group import Group


class Reader:
    """One partition, a record a second from 0 on, and one consumer that takes 10 s for each."""

    def __init__(
        self, records=100, work_s=10.0, fetched=1, polled=1, reset=k.LATEST, reset_s=0.0, **group
    ):
        s = Settings(max_poll_records=polled, chunk_records=fetched, auto_commit_s=-1.0)
        self.topic = topic_of(s, np.arange(float(records)), np.zeros(records, int))
        reading = reading_of(s)._replace(reset=reset, reset_s=reset_s)
        work = np.full(records, work_s, np.float32)
        self.group = Group(self.topic, work, 1, reading, np.arange(0.0, 200.0, 10.0), **group)
        self.group.assign([[0]], 0.0)
        self.env = Environment([self.topic, self.group])

    def delete(self, at_s, before):
        def process():
            yield self.env.timeout(at_s)
            self.topic.log.first[0] = before
            self.group.deleted(at_s)

        self.env.process(process())
        return self

    def seek(self, at_s, to):
        def process():
            yield self.env.timeout(at_s)
            self.group.seek(np.array([to]), at_s)

        self.env.process(process())
        return self

    def run(self, until_s):
        self.env.run(until_s)
        self.group.finish(until_s)
        return self

    def read(self):
        return np.flatnonzero(self.group.effects).tolist()

    def jumps(self):
        """Partition, offset before and after, log start, 1: sought, and when, s."""
        jumps = self.group.state.jumps
        columns = (jumps.partition, jumps.source, jumps.to, jumps.log_start, jumps.sought)
        return [
            (*map(int, row), at)
            for *row, at in zip(*(c[: jumps.n] for c in (*columns, jumps.at_s)), strict=True)
        ]
