"""A topic and a group without a coordinator."""

import numpy as np

from helpers.log_scenarios import (
    group_of,
    topic_of,
)


def advance(stages, until_s):
    """In data-flow order."""
    for stage in stages:
        stage.advance(until_s)


def assigned(group, partitions_of):
    """The group, whose members have these partitions from the beginning."""
    group.assign(partitions_of, 0.0)
    return group


def alone(s, created_s, work_s, grid_s=(), partition_of=None):
    """Topic and group without a coordinator: member m has partition m, the first has the rest."""
    if partition_of is None:
        partition_of = np.zeros(len(created_s), int)
    topic = topic_of(s, created_s, partition_of)
    group = group_of(s, topic, work_s, grid_s)
    own = [[m] for m in range(min(s.members, s.partitions))]
    own[0] += range(s.members, s.partitions)
    return topic, assigned(group, own + [[] for _ in range(s.members - len(own))])
