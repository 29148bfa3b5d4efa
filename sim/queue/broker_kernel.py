"""A destructive queue with every knob of the family: how a broker hands messages to consumers.

`sim.queue.sqs_standard_kernel` does one thing fast; this one does the rest of the family, an event
at a time: RabbitMQ, SQS FIFO and fair queues, Celery and share groups are values of `BrokerPolicy`.

Rules held: SF-01, SF-02, SF-06 (FIFO per message group), SS-14 (fair), KS-01 to KS-04 (share
groups), RQ-01 to RQ-06, RQ-09 (acks, prefetch, place of return, delivery limit, ack timeout, single
active consumer), CE-01 to CE-11 as far as broker and worker go.

The unit is a *delivery*: one copy of a message that a consumer was handed. The broker may have
forgotten it (its lock ran out) while the consumer still works on it, and the consumer may be dead
while the broker still waits for its ack; a delivery is freed when nobody has it any more. What is
to happen is in one heap of events, except arrivals (the feed is ascending) and ends of locks (they
all last equally long, so that the list of unacknowledged deliveries is in order).

Messages are ready in *lanes*: one; one for each priority, message group, tenant or partition. A
lane is a linked list, and `BrokerPolicy.pick` says which one is next.

Everything that changes is in `BrokerState`; `work` carries it on. Those beside it have a noun each.
"""

import cython

from sim.engine import pieces
from sim.foundation import num
from sim.queue import broker_arrivals_kernel as arrivals_kernel
from sim.queue import broker_beats_kernel as beats_kernel
from sim.queue import broker_claims_kernel as claims_kernel
from sim.queue import broker_codes as codes
from sim.queue import broker_connections_kernel as connections_kernel
from sim.queue import broker_consumers_kernel as consumers_kernel
from sim.queue import broker_dead_rows_kernel as dead_rows_kernel
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_function_kernel as function_kernel
from sim.queue import broker_hands_kernel as hands_kernel
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue import broker_leases_kernel as leases_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_messages_kernel as messages_kernel
from sim.queue import broker_picks_kernel as picks_kernel
from sim.queue import broker_row_locks_kernel as row_locks_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue import broker_state_kernel as state_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def _arrive_s(b: BrokerState, now: float, c: int, d: int) -> float:
    """When a delivery that is sent now reaches its consumer; inf: the network is cut."""
    if b.policy.push == 1:
        arrive_s = max(b.consumers.inbound_s[c], state_kernel.fetched_s(b, now, c, d))
        b.consumers.inbound_s[c] = arrive_s
    else:
        arrive_s = now + b.consumers.half_s[c]
    return num.INF if b.consumers.cut[c] == 1 else arrive_s


def _hand_over(b: BrokerState, now: float, c: int, d: int, message: int) -> int:
    """A delivery is on its way to a consumer; returns the bits of `Deliveries.has` for that."""
    b.messages.held += 1
    arrive_s = _arrive_s(b, now, c, d)
    b.deliveries.arrive_s[d] = arrive_s
    if arrive_s == num.INF:
        b.deliveries.gone_s[d] = now  # nobody has it
    if b.messages.due_s.shape[0] > 0 and b.messages.due_s[message] > arrive_s:
        # A task with an ETA is held beside the buffer, and the worker asks for one more.
        events_kernel.push(b.events, b.messages.due_s[message], codes.DUE, d, 0)
        if b.policy.ack != codes.AUTO:
            b.consumers.unacked[c] -= 1
        hands_kernel.hold(b, now, c)
        return codes.CLIENT | codes.LATER
    if b.policy.eta_limit > 0 and (b.policy.etas == 1 or b.messages.returns[message] > 0):
        hands_kernel.hold(b, now, c)  # its ETA is past
        consumers_kernel.hold_no_more(b.consumers, b.policy, c)
    if b.consumers.buffer[c] < 0:
        b.consumers.buffer[c] = d
        if b.consumers.idle[c] > 0:
            consumers_kernel.wake(b.consumers, b.events, c, arrive_s)
    else:
        b.deliveries.then[b.consumers.buffer_end[c]] = d
        if b.function.invoked:  # it gathers, and looks at each receive
            consumers_kernel.wake(b.consumers, b.events, c, arrive_s)
    b.consumers.buffer_end[c] = d
    return codes.CLIENT


def _note_waits(b: BrokerState, now: float, d: int, message: int, lane: int) -> None:
    """Note what a message without an effect has met that is handed over now."""
    until_idle_s = -num.INF
    alone = b.policy.single_active == 1 or b.policy.eta_limit > 0
    in_line = alone or b.policy.pick == codes.SPANS
    if b.by_lane:
        until_idle_s = b.times.freed[lane]
    elif in_line or b.by_ring:
        until_idle_s = b.times.idle_s
    idle_s = times_kernel.hand(b.times, b.deliveries, d, message, until_idle_s)
    if idle_s > 0.0 and (in_line or b.by_lane):
        limits_kernel.act(b.limits, codes.LIMIT_LINE, now - idle_s, now)


def _count(b: BrokerState, now: float) -> None:
    """A message is handed over in a span in which only so many are (BM-05)."""
    if now >= b.rate_until_s:
        b.rate_until_s = now + b.policy.rate_s
        b.rate_taken = 0
        b.rate_full_s = num.INF
    b.rate_taken += 1
    if b.rate_taken == b.policy.rate_max:
        b.rate_full_s = now
        events_kernel.push(b.events, b.rate_until_s, codes.OPEN, 0, 0)


def _deliver(b: BrokerState, now: float, c: int, message: int) -> None:
    """Hand a message to a consumer, over a connection that may lead nowhere."""
    d = deliveries_kernel.take_free(b.deliveries)
    messages_kernel.receive(b.messages, message)
    epoch = b.consumers.epoch[c]
    connection = epoch if b.policy.push == 0 else b.consumers.connected[c]
    there = connection == epoch
    b.deliveries.message[d] = message
    b.deliveries.consumer[d] = c
    b.deliveries.connection[d] = connection
    b.deliveries.receipt[d] = b.messages.receives[message]
    b.deliveries.tag[d] = b.messages.returns[message]
    b.deliveries.verdict[d] = codes.OK
    b.deliveries.sent_s[d] = now
    b.deliveries.locked_s[d] = now
    if b.rated:
        _count(b, now)
    b.deliveries.gone_s[d] = num.INF if there else now
    if b.function.invoked:
        b.deliveries.loop_s[d] = 0.0
    lane = lanes_kernel.lane_of(b.lanes, message)
    if b.messages.effects[message] == 0:
        _note_waits(b, now, d, message, lane)
    has = 0
    if b.policy.ack == codes.AUTO:
        settling_kernel.finalise(b, message, codes.ACKED if there else codes.LOST)
        if not there and b.messages.effects[message] == 0:
            limits_kernel.act(b.limits, codes.LIMIT_LOST, now, now)
    else:
        has = codes.BROKER
        deliveries_kernel.await_ack(b.deliveries, d)
        b.messages.state[message] = codes.IN_FLIGHT
        b.messages.in_flight_now += 1
        if b.messages.in_flight_now == b.policy.max_in_flight:
            limits_kernel.act(b.limits, codes.LIMIT_IN_FLIGHT, now, now)
        b.lanes.in_flight[lane] += 1
        if b.policy.push == 1:
            b.consumers.unacked[c] += 1
    if there:
        has += _hand_over(b, now, c, d, message)
    elif b.policy.loses == 1:
        b.deliveries.has[d] = has
        settling_kernel.lose(b, now, d)
        has = 0
    b.deliveries.has[d] = has
    consumers_kernel.rest_if_free(b.consumers, b.policy, c)
    deliveries_kernel.free_if_forgotten(b.deliveries, d)


def _take(b: BrokerState, now: float, c: int) -> int:
    """Hand consumer ``c`` what it may have now; returns how many."""
    limit = b.policy.batch if b.policy.push == 0 else 1
    limit = min(limit, b.policy.max_in_flight - b.messages.in_flight_now)
    if b.function.invoked:
        limit = min(limit, b.function.batch - b.function.held[c])
    n = 0
    lane = -1
    while n < limit:
        if b.policy.at_head == 1:
            arrivals_kernel.expire_heads(b)
        lane = picks_kernel.pick(b.lanes, b.messages, b.policy, now, c, lane)
        if lane < 0 or (b.policy.row_waits == 1 and not row_locks_kernel.sees(b, c)):
            break
        message = b.lanes.head[lane]
        lanes_kernel.pop(b.lanes, lane)
        if b.policy.pick == codes.PRIORITY:
            picks_kernel.take_turn(b.lanes, b.policy, lane)
            counts = b.policy.returns_lane == 0 or lane < b.lanes.lanes - 1
            if counts and picks_kernel.overtakes(b.lanes, b.messages, message, lane):
                limits_kernel.act(b.limits, codes.LIMIT_OVERTAKEN, now, now)
        if messages_kernel.received(b.messages, message) >= b.policy.max_receives:
            b.messages.ready_now -= 1
            settling_kernel.bury(b, message, codes.WAS_READY, codes.DIED_LIMIT)
            limits_kernel.act(b.limits, codes.LIMIT_RECEIVES, now, now)
            if b.policy.pick == codes.GROUPS:
                arrivals_kernel.let_in(b)
        else:
            _deliver(b, now, c, message)
            n += 1
        if b.policy.pick == codes.FAIR:
            lanes_kernel.offer(b.lanes, b.messages, lane, codes.FAIR)
    if b.function.invoked:
        b.function.held[c] += n
    if b.dies:
        dead_rows_kernel.die(b.dead, n * b.dead.taken, now)
    if b.policy.pick == codes.SPANS and n > 0:
        b.lanes.rotor = (b.lanes.rotor + 1) % b.lanes.lanes
    return n


def _is_busy(b: BrokerState) -> bool:
    """Whether the queue's process cannot deliver now, for it does something else (RQ-13)."""
    if b.clock_s < b.free_s:
        return True
    begins_s = arrivals_kernel.publish_begins_s(b)
    if begins_s < b.clock_s:
        return True
    return begins_s == b.clock_s and not b.published and b.policy.deliveries_first == 0


def _note_poll(b: BrokerState, c: int, message: int) -> None:
    """Note it if the first message that a call found had waited for its consumer to make it."""
    came_s = num.double(b.feed.enqueued_s[b.lanes.place[message]]) + b.policy.delay_s
    if came_s < b.consumers.asked_s[c]:
        from_s = max(came_s, num.double(b.consumers.slept_s[c]))
        limits_kernel.act(b.limits, codes.LIMIT_POLL, from_s, b.consumers.asked_s[c])


def _rows_are_free(b: BrokerState) -> bool:
    """Whether nobody has a row; then who has waited and sees none is told so."""
    if b.messages.in_flight_now > 0:
        return False
    c = b.consumers.behind[b.consumers.anchor]
    while c != b.consumers.anchor and c != b.consumers.asking and not row_locks_kernel.sees(b, c):
        _answer_empty(b, b.clock_s, c)
        c = b.consumers.behind[b.consumers.anchor]
    return True


def _serve(b: BrokerState) -> bool:
    """Hand messages to the first of those that wait who may have any; False: nobody may."""
    if b.policy.row_waits == 1 and not _rows_are_free(b):
        return False
    if b.messages.ready_now <= 0 or b.messages.in_flight_now >= b.policy.max_in_flight:
        return False
    if b.limited and _is_busy(b):
        return False
    if b.rated and b.rate_full_s <= b.clock_s < b.rate_until_s:
        return False
    c = b.consumers.behind[b.consumers.anchor]
    n = 0
    while c != b.consumers.anchor:
        n = _take(b, b.clock_s, c)
        if n > 0 or b.policy.pick != codes.SPANS:
            break
        c = b.consumers.behind[c]
    if n == 0:
        return False
    if b.limited:
        b.free_s = b.clock_s + b.policy.call_s + b.policy.deliver_s * num.double(n)
        b.published = False
    consumers_kernel.unwait(b.consumers, c)
    if b.policy.push == 1:
        consumers_kernel.wait_if_credit(b.consumers, b.policy, c)
    else:
        b.consumers.calling[c] = 0
        consumers_kernel.rest(b.consumers, c, 0)
        b.consumers.found += 1
        if b.dies and b.dead.added_s[c] > b.consumers.half_s[c]:
            limits_kernel.act(b.limits, codes.LIMIT_DEAD, b.consumers.asked_s[c], b.clock_s)
        if 2.0 * b.consumers.passed_s[c] > b.consumers.half_s[c]:
            limits_kernel.act(b.limits, codes.LIMIT_PASSED, b.consumers.asked_s[c], b.clock_s)
        if b.consumers.slept_s[c] < num.INF and b.consumers.buffer[c] >= 0:
            _note_poll(b, c, b.deliveries.message[b.consumers.buffer[c]])
        if b.consumers.asking == c:
            b.consumers.asking = -1
    return True


def _leave_unanswered(b: BrokerState) -> None:
    """A call that has found nothing waits, or is answered at once."""
    c = b.consumers.asking
    b.consumers.asking = -1
    consumers_kernel.rest(b.consumers, c, 1)
    if b.policy.wait_s == num.INF or (b.policy.row_waits == 1 and b.messages.in_flight_now > 0):
        return
    if b.policy.wait_s > 0.0:
        until_s = b.clock_s + b.policy.wait_s
        events_kernel.poll(b.events, until_s, c, b.consumers.call[c])
    else:
        _answer_empty(b, b.clock_s, c)


def _answer_empty(b: BrokerState, now: float, c: int) -> None:
    consumers_kernel.unwait(b.consumers, c)
    b.consumers.empty_receives += 1
    b.consumers.found_none[c] = 1
    back_s = now + b.consumers.half_s[c]
    events_kernel.push(b.events, back_s, codes.REPLY, c, b.consumers.call[c])


def _claim(b: BrokerState, now: float, c: int) -> None:
    """A call for what is in flight reaches the queue (RT-02, RT-03)."""
    own = b.consumers.owns[c] == 1
    most = b.policy.batch if own else b.policy.claim_count
    place = -1
    taken = 0
    n = 0
    while taken < most:
        d = claims_kernel.next_pending(b, now, c, own, place)
        if d < 0:
            break
        message = b.deliveries.message[d]
        place = b.lanes.place[message]
        taken += 1
        if claims_kernel.take_over(b, now, d):
            _deliver(b, now, c, message)
            n += 1
    if own and taken == 0:
        b.consumers.owns[c] = 0
    if n > 0:
        b.consumers.calling[c] = 0
        b.consumers.found += 1
        consumers_kernel.rest(b.consumers, c, 0)
    else:
        b.consumers.empty_receives += 1
        back_s = now + b.consumers.half_s[c]
        events_kernel.push(b.events, back_s, codes.REPLY, c, b.consumers.call[c])


def _give_credit(b: BrokerState, c: int, connection: int) -> None:
    """One delivery of a consumer counts no more against its prefetch."""
    if connection == b.consumers.connected[c]:
        b.consumers.unacked[c] -= 1
        consumers_kernel.wait_if_credit(b.consumers, b.policy, c)
        consumers_kernel.rest_if_free(b.consumers, b.policy, c)


def _acknowledge(b: BrokerState, now: float, first: int) -> None:
    """A chain of acks reaches the broker."""
    d = first
    while d >= 0:
        then = b.deliveries.then[d]
        c = b.deliveries.consumer[d]
        settling_kernel.acknowledge(b, now, d)
        counts = b.policy.until_done == 1 and b.deliveries.has[d] & codes.CLIENT != 0
        if b.policy.push == 1 and not counts:
            _give_credit(b, c, b.deliveries.connection[d])
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
        d = then


def _finish(b: BrokerState, now: float, ref: int) -> int:
    """A slot may be done; returns the consumer that may have something to do, -1: none."""
    slots = b.consumers.slots
    c = ref // slots
    s = ref % slots
    if b.consumers.slot[c, s] < 0 or b.consumers.end_s[c, s] != now:
        return -1
    if not hands_kernel.finish(b, now, c, s):
        return -1
    if b.function.invoked and b.consumers.buffer[c] < 0:
        function_kernel.put_down(b.function, b.consumers, c)
    if b.consumers.chunk[c] >= b.policy.ack_every or (
        b.consumers.chunk[c] > 0 and b.consumers.buffer[c] < 0 and b.consumers.idle[c] == slots
    ):
        hands_kernel.send_acks(b, now, c)
    return c


def _due(b: BrokerState, now: float, d: int) -> int:
    """The ETA of a delivery has come; returns the consumer that may begin it, -1: none."""
    c: int = b.deliveries.consumer[d]
    connection = b.deliveries.connection[d]
    if connection != b.consumers.epoch[c]:
        hands_kernel.let_go(b, now, d)
        return -1
    b.deliveries.has[d] -= codes.LATER
    b.deliveries.rest_s[d] = b.times.rest_s
    if b.policy.ack != codes.AUTO and connection == b.consumers.connected[c]:
        b.consumers.unacked[c] += 1
        consumers_kernel.hold_no_more(b.consumers, b.policy, c)
        if not consumers_kernel.has_credit(b.consumers, b.policy, c):
            consumers_kernel.unwait(b.consumers, c)
    b.deliveries.then[d] = -1
    if b.consumers.ripe[c] < 0:
        b.consumers.ripe[c] = d
    else:
        b.deliveries.then[b.consumers.ripe_end[c]] = d
    b.consumers.ripe_end[c] = d
    return c


def _rare(b: BrokerState, now: float, kind: int, ref: int, stamp: int) -> int:
    """What seldom happens; returns the consumer that may have something to do, -1: none."""
    if kind == codes.GIVE_UP:
        if b.consumers.call[ref] == stamp and b.consumers.ahead[ref] >= 0:
            _answer_empty(b, now, ref)
    elif kind == codes.AGAIN:
        b.messages.waiting_now -= 1
        if arrivals_kernel.come(b, now, ref) and b.messages.effects[ref] == 0:
            times_kernel.ready_from(b.times, ref, now)
    elif kind == codes.DUE:
        return _due(b, now, ref)
    elif kind == codes.CLAIM:
        if b.consumers.call[ref] == stamp:
            _claim(b, now, ref)
    elif kind == codes.TIMED_OUT:
        return hands_kernel.time_out(b, now, ref, stamp)
    elif kind == codes.RESUME:
        if b.consumers.epoch[ref] == stamp:
            leases_kernel.go_on(b, now, ref)
    elif kind == codes.CHECK:
        connections_kernel.check(b, now)
    elif kind == codes.BEAT:
        beats_kernel.beat(b, now, ref)
    elif kind == codes.ASK_AGAIN:
        _give_credit(b, ref, stamp)
    elif kind == codes.OPEN:
        if now >= b.rate_until_s:  # else the next span has begun
            waiting = b.consumers.behind[b.consumers.anchor] != b.consumers.anchor
            if waiting and b.messages.ready_now > 0:
                limits_kernel.act(b.limits, codes.LIMIT_RATE, b.rate_full_s, now)
            b.rate_full_s = num.INF
    elif kind == codes.LEAVE_LOOP:
        hands_kernel.leave_loop(b, now, ref, stamp)
    elif kind == codes.RETURN:
        if ref >= 0:  # else it was acknowledged meanwhile, by a seek
            settling_kernel.come_again(b, now, ref, stamp)
    elif kind == codes.START:
        if b.consumers.alive[ref] == 0 and b.consumers.epoch[ref] == stamp:
            hands_kernel.begin(b, now, ref)
    else:
        connections_kernel.change(b, now, kind, ref, stamp)
    return -1


def _happen(b: BrokerState, now: float) -> None:
    """The first event happens."""
    events_kernel.take_first(b.events)
    kind = b.events.kind_now
    ref = b.events.ref_now
    stamp = b.events.stamp_now
    busy = -1
    if kind == codes.FINISH:
        busy = _finish(b, now, ref)
    elif kind == codes.ACK:
        _acknowledge(b, now, ref)
    elif kind == codes.WAKE:
        if b.consumers.wake_s[ref] == now:
            b.consumers.wake_s[ref] = num.INF
        busy = ref
    elif kind == codes.REPLY:
        if b.consumers.call[ref] == stamp:
            b.consumers.calling[ref] = 0
            busy = ref
    elif kind == codes.ASK:
        if b.consumers.call[ref] == stamp:
            consumers_kernel.wait(b.consumers, ref)
            b.consumers.asking = ref
    else:
        busy = _rare(b, now, kind, ref, stamp)
    if busy >= 0:
        hands_kernel.look_for_work(b, now, busy)
        consumers_kernel.rest_if_free(b.consumers, b.policy, busy)


def _has_room(b: BrokerState, spare: int) -> bool:
    """Whether whatever happens next finds free rows and places in the heap."""
    return (
        b.deliveries.used + b.most <= num.integer(b.deliveries.message.shape[0])
        and b.events.stored + spare <= num.integer(b.events.slot.shape[0])
        and b.events.polls - b.events.polls_ended < num.integer(b.events.poll_end_s.shape[0])
        and b.times.rows + rare_rows(b) <= num.integer(b.times.before.shape[0])
        and (
            (b.policy.moves == 0 and b.policy.notes == 0)
            or b.letters.n + most_letters(b) <= num.integer(b.letters.message.shape[0])
        )
    )


def most_letters(b: BrokerState) -> int:
    """How many messages may go into another queue until it is looked at again."""
    here = b.messages.ready_now + b.messages.in_flight_now + b.messages.waiting_now
    return here + num.integer(b.feed.n[0]) - b.row


def rare_rows(b: BrokerState) -> int:
    """Rows of `QueueTimes` that whatever happens next may need."""
    most = b.deliveries.used + b.most + 2
    delayed = b.times.entered_of.shape[0] > 0 and b.policy.delay_s > 0.0
    if b.policy.overflow != codes.DROP_HEAD or delayed:
        most += b.feed.n[0] - b.row
    return most


def _all_gone(b: BrokerState) -> bool:
    """Whether nothing can happen any more."""
    if b.messages.may_return == 1:
        return False
    return b.messages.removed == b.messages.total and b.messages.held == 0


def pass_by(b: BrokerState, now: float) -> None:
    """Time has passed until ``now``, where consumers change from without: what came, has come."""
    if _all_gone(b):
        return
    state_kernel.pass_time(b, now)
    arrivals_kernel.catch_up(b, now, False)


def _unlock_all(b: BrokerState, now: float) -> None:
    """Every lock that has ended by now ends."""
    while connections_kernel.unlock_s(b) <= now:
        connections_kernel.unlock(b, now)


def _work(b: BrokerState, until_s: float, most: int) -> int:
    spare = b.most + b.consumers.slots + (1 + b.policy.notify) * b.consumers.anchor + 8
    anchor = b.consumers.anchor
    # A refusal leads to an event of its own; other arrivals can wait until somebody looks.
    sends_again = b.policy.overflow != codes.DROP_HEAD and num.isfinite(b.policy.republish_s)
    sends_again = sends_again or b.exact
    stuck = False
    calm_s = -num.INF  # before then nothing comes, is too old or is sampled
    for _ in range(most):
        if not _has_room(b, spare):
            return pieces.FULL
        if b.letters.stops == 1 and b.letters.n > 0:
            return pieces.GOES_ON
        if b.policy.pick == codes.GROUPS:
            arrivals_kernel.let_in(b)
        if not stuck and _serve(b):
            continue
        stuck = True
        if b.policy.overflow == codes.DROP_HEAD and arrivals_kernel.is_too_long(b):
            arrivals_kernel.drop_heads(b)
            # SPANS: behind a head that was outside the window there may be one that goes at once.
            stuck = False
            continue
        if b.consumers.asking >= 0:
            _leave_unanswered(b)
        unlock_s = connections_kernel.unlock_s(b)
        now = min(unlock_s, events_kernel.first_s(b.events))
        waiting = b.consumers.behind[anchor] != anchor
        freed = b.limited and waiting and b.clock_s < b.free_s and b.free_s < now
        if freed:
            now = b.free_s
        gone = _all_gone(b)
        if now < calm_s and now <= until_s and not gone:
            state_kernel.pass_time(b, now)
            b.clock_s = now
            b.lanes.cursor_lane = -1
            stuck = False
            if unlock_s <= now:
                _unlock_all(b, now)
            elif not freed:
                _happen(b, now)
            continue
        if waiting or sends_again or (b.policy.notify == 1 and b.consumers.sleepers > 0):
            now = min(now, max(b.clock_s, arrivals_kernel.next_s(b)))
        sample_s = arrivals_kernel.sample_s(b)
        # Sampled is what there was before anything else happens.
        samples = sample_s <= until_s and (gone or sample_s < now)
        if samples:
            now = sample_s
        elif gone or now > until_s:
            return pieces.DONE
        else:
            b.clock_s = now
            b.lanes.cursor_lane = -1
            stuck = False
        state_kernel.pass_time(b, now)
        awaited = arrivals_kernel.catch_up(b, now, waiting and not samples)
        if samples:
            arrivals_kernel.sample(b)
        if not b.exact:
            calm_s = min(arrivals_kernel.next_s(b), arrivals_kernel.sample_s(b))
        if samples or awaited:
            continue
        if unlock_s <= now:
            _unlock_all(b, now)
        elif events_kernel.first_s(b.events) <= now < num.INF:
            _happen(b, now)
    return pieces.GOES_ON


def due_s(b: BrokerState) -> float:
    """When something happens next in a queue that has come to where it was to go; inf: nothing."""
    at_s: float = min(connections_kernel.unlock_s(b), events_kernel.first_s(b.events))
    at_s = min(at_s, max(b.clock_s, arrivals_kernel.next_s(b)))
    waiting = b.consumers.behind[b.consumers.anchor] != b.consumers.anchor
    if b.limited and waiting and b.clock_s < b.free_s:
        at_s = min(at_s, b.free_s)
    return at_s


def work(b: BrokerState, until_s: float, most: int) -> int:
    """Advance queue and consumers to ``until_s`` (inclusive), by at most ``most`` steps.

    Returns DONE; or FULL or GOES_ON, where the state is whole: call again, after FULL with a larger
    pool of deliveries and heap of events. Stops early once every message is gone for good and no
    consumer has any in hand.
    """
    with cython.nogil:
        ended = _work(b, until_s, most)
    return ended
