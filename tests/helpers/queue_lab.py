"""The lab's general queue, in the words of `models.plain_broker`."""

import numpy as np

from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.feed_kernel import Feed

ACKS = {"auto": codes.AUTO, "start": codes.ON_START, "late": codes.LATE}
PLACES = {
    "original": codes.ORIGINAL,
    "returns": codes.RETURNS,
    "next": codes.NEXT,
    "back": codes.BACK,
}
PICKS = {
    "one": codes.ONE,
    "groups": codes.GROUPS,
    "priority": codes.PRIORITY,
    "fair": codes.FAIR,
    "spans": codes.SPANS,
}
OVERFLOWS = {"drop-head": codes.DROP_HEAD, "reject": codes.REJECT, "reject-dead": codes.REJECT_DEAD}
VERDICTS = {
    "discard": codes.DISCARD,
    "rejected": codes.REJECTED,
    "requeue": codes.REQUEUE,
    "retry": codes.RETRY,
    "leave": codes.LEAVE,
    "die": codes.DIE,
}
REASONS = {"close": codes.BY_CLOSE, "lock": codes.BY_LOCK, "failure": codes.BY_FAILURE}


def policy_of(s):
    return broker_policy(
        push=int(s.push),
        batch=s.batch,
        wait_s=s.wait_s,
        every_s=s.every_s,
        every_least_s=s.every_least_s,
        poll_s=s.poll_s,
        notify=int(s.notify),
        notified_s=s.notified_s,
        prefetch=s.prefetch,
        eta_limit=s.eta_limit,
        etas=int(s.etas),
        until_done=int(s.until_done),
        hands_back=int(s.hands_back),
        stays=int(s.stays),
        ack=ACKS[s.ack],
        ack_every=s.ack_every,
        ack_waits=int(s.ack_waits),
        per_batch_s=s.per_batch_s,
        lock_s=s.lock_s,
        extends_s=s.extends_s,
        beat_s=s.beat_s,
        beat_lock_s=s.beat_lock_s,
        lock_most_s=s.lock_most_s,
        failed_lock_s=s.failed_lock_s,
        sweep_s=s.sweep_s,
        lease_s=s.lease_s,
        lease_late=int(s.lease_late),
        renew_s=s.renew_s,
        check_s=s.check_s,
        check_twice=int(s.check_twice),
        blocks=int(s.blocks),
        max_stalls=s.max_stalls if s.max_stalls < 1_000_000 else NO_LIMIT,
        claim_s=s.claim_s,
        claim_every_s=s.claim_every_s,
        claim_count=s.claim_count,
        own_first=int(s.own_first),
        keep_rows=s.keep_rows,
        keep_whole=s.keep_whole,
        keep_s=s.keep_s,
        loses=int(s.loses),
        work_limit_s=s.work_limit_s,
        rate_max=s.rate_max if s.rate_max < 1_000_000 else NO_LIMIT,
        rate_s=s.rate_s,
        late_ack=int(s.late_ack),
        any_copy=int(s.any_copy),
        lock_closes=int(s.lock_closes),
        lock_alone=int(s.lock_alone),
        closes=int(s.closes),
        closes_after_s=s.closes_after_s,
        reopen_s=s.reopen_s,
        place=PLACES[s.place],
        requeue_place=PLACES[s.requeue_place],
        pick=PICKS[s.pick],
        returns_lane=int(s.returns_first),
        back_lane=s.back_lane,
        turns=s.turns,
        heads=int(s.all_heads),
        look_ahead=s.look_ahead,
        span=s.span,
        noisy_share=s.noisy_share,
        noisy_least=s.noisy_least,
        recent_s=s.recent_s,
        single_active=int(s.single_active),
        max_receives=s.max_receives,
        max_returns=s.max_returns,
        counted=sum(REASONS[why] for why in s.counted),
        back_off_s=s.back_off_s,
        back_off_linear=int(s.back_off_linear),
        back_off_max_s=s.back_off_max_s,
        **(
            {} if s.back_off_by is None else {"back_off_by": sum(REASONS[w] for w in s.back_off_by)}
        ),
        dead_letters=int(s.dead_letters),
        on_failure=VERDICTS[s.on_failure],
        stop_batch=int(s.stop_batch),
        on_kill=VERDICTS[s.on_kill],
        retry_s=s.retry_s,
        retry_growth=s.retry_growth,
        retry_degree=s.retry_degree,
        retry_base_s=s.retry_base_s,
        retry_max_s=s.retry_max_s,
        retry_spread=s.retry_spread,
        retry_power=s.retry_power,
        retry_held=int(s.retry_held),
        max_length=s.max_length,
        overflow=OVERFLOWS[s.overflow],
        republish_s=s.republish_s,
        max_in_flight=s.max_in_flight,
        dedup_s=s.dedup_s,
        calls_per_s=s.calls_per_s,
        retention_s=s.retention_s,
        at_head=int(s.at_head),
        letters_again_s=s.letters_again_s,
        delay_s=s.delay_s,
        publish_s=s.publish_s,
        deliver_s=s.deliver_s,
        call_s=s.call_s,
        deliveries_first=int(s.deliveries_first),
        loop_s=s.loop_s,
        fetch_trips=s.fetch_trips,
        ack_trips=s.ack_trips,
        passed_s=s.passed_s,
        row_waits=int(s.row_waits),
    )


def broker_policy_with(policy, **knobs):
    """A policy with some knobs set anew."""
    for name, value in knobs.items():
        setattr(policy, name, value)
    return policy


def dead_rows(s):
    """Of the settings ``s``; None: no snapshot is ever held."""
    if not s.held_s:
        return None
    from_s, until_s = np.array(s.held_s, float).T.copy()
    return DeadRows(from_s, until_s, s.dead_row_s, s.dead_taken, s.dead_done)


def build(
    s,
    came_s,
    work_s,
    *,
    lane=None,
    due_s=None,
    same=None,
    bad=None,
    ttl_s=None,
    grid_s=(),
    feed=None,
    moves=False,
    **options,
):
    """The lab's queue and consumers, for the settings ``s``; ``bad``: {message: (kills, …)}."""
    n = len(came_s)
    feed = feed or Feed(np.arange(n, dtype=np.int32), np.asarray(came_s, float), np.array([n]))
    bad = bad or {}
    columns = Columns(
        lane=None if lane is None else np.asarray(lane, np.int32),
        due_s=due_s,
        same=same,
        ttl_s=ttl_s,
        linked=moves is not False,
        lanes=1 if lane is None else int(max(lane)) + 1 + s.returns_first,
    )
    # A subscription, which alone can be sought, notes nothing: what is dead there may come again.
    notes = s.dead_letters and moves is False and s.keeps_s is None
    return Broker(
        feed,
        np.asarray(work_s, np.float32),
        s.consumers,
        broker_policy_with(policy_of(s), moves=int(bool(moves)), notes=int(notes)),
        receive_latency_s=np.array([s.receive_s]),
        ack_latency_s=np.array([s.ack_s]),
        grid_s=np.asarray(grid_s, float),
        slots=s.slots,
        columns=columns,
        poison=poisonous_messages(list(bad), *zip(*bad.values(), strict=True)) if bad else None,
        dead=dead_rows(s),
        keeps_s=s.keeps_s,
        **options,
    )
