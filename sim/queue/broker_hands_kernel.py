"""A consumer and what it has in hand: it asks, works, acknowledges, and its process may end."""

from sim.engine import held_up_kernel as held_up
from sim.foundation import num
from sim.queue import broker_beats_kernel as beats_kernel
from sim.queue import broker_codes as codes
from sim.queue import broker_consumers_kernel as consumers_kernel
from sim.queue import broker_dead_rows_kernel as dead_rows_kernel
from sim.queue import broker_deliveries_kernel as deliveries_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_function_kernel as function_kernel
from sim.queue import broker_leases_kernel as leases_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_messages_kernel as messages_kernel
from sim.queue import broker_row_locks_kernel as row_locks_kernel
from sim.queue import broker_settling_kernel as settling_kernel
from sim.queue import broker_state_kernel as state_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_state_kernel import BrokerState


def let_go(b: BrokerState, now: float, d: int) -> None:
    """A consumer gives up a delivery that it has not finished."""
    b.deliveries.gone_s[d] = min(now, b.deliveries.gone_s[d])
    message = b.deliveries.message[d]
    b.messages.held -= 1
    b.deliveries.has[d] &= codes.BROKER | codes.WIRE
    if b.messages.state[message] == codes.ACKED and b.messages.effects[message] == 0:
        b.messages.state[message] = codes.LOST
        limits_kernel.act(b.limits, codes.LIMIT_LOST, now, now)
    deliveries_kernel.free_if_forgotten(b.deliveries, d)


def _let_go_all(b: BrokerState, now: float, first: int) -> None:
    """The same with a whole list."""
    d = first
    while d >= 0:
        then = b.deliveries.then[d]
        let_go(b, now, d)
        d = then


def _leave_later(b: BrokerState, now: float, c: int) -> None:
    """What a consumer holds for its ETA is not in any of its lists: it is gone too."""
    d = b.deliveries.first
    while d >= 0:
        if (
            b.deliveries.consumer[d] == c
            and b.deliveries.connection[d] == b.consumers.epoch[c]
            and b.deliveries.has[d] & codes.LATER != 0
        ):
            b.deliveries.gone_s[d] = min(now, b.deliveries.gone_s[d])
        d = b.deliveries.after[d]


def empty_hands(b: BrokerState, now: float, c: int, slots_too: bool) -> None:
    """A consumer loses its buffer and the acks not sent; if ``slots_too`` its work as well."""
    _let_go_all(b, now, b.consumers.buffer[c])
    _let_go_all(b, now, b.consumers.ripe[c])
    if b.messages.due_s.shape[0] > 0:
        _leave_later(b, now, c)
    d = b.consumers.done[c]
    while d >= 0:
        then = b.deliveries.then[d]
        b.deliveries.gone_s[d] = now
        b.deliveries.has[d] &= codes.BROKER | codes.WIRE
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
        d = then
    b.consumers.buffer[c] = -1
    b.consumers.ripe[c] = -1
    b.consumers.done[c] = -1
    b.consumers.chunk[c] = 0
    if slots_too:
        slots = b.consumers.slots
        for s in range(slots):
            if b.consumers.slot[c, s] >= 0:
                let_go(b, now, b.consumers.slot[c, s])
                b.consumers.working -= 1
            b.consumers.slot[c, s] = -1
            b.consumers.idle_slot[c, s] = slots - 1 - s
        b.consumers.idle[c] = slots
    consumers_kernel.rest_if_free(b.consumers, b.policy, c)


def lose_all(b: BrokerState, now: float, c: int) -> None:
    """What a process has in hand that is killed is lost, but for acks on their way."""
    d = b.deliveries.first
    while d >= 0:
        after = b.deliveries.after[d]
        if b.deliveries.consumer[d] == c and b.deliveries.has[d] & codes.WIRE == 0:
            settling_kernel.lose(b, now, d)
            deliveries_kernel.free_if_forgotten(b.deliveries, d)
        d = after


def crash(b: BrokerState, now: float, c: int) -> None:
    """The process ends, and what it has in hand is gone; acks already sent still arrive.

    The broker hears of it over the connection, if there is a network.
    """
    if b.leased:
        leases_kernel.stand_still(b, now, c)
    empty_hands(b, now, c, True)
    if b.function.invoked:
        function_kernel.put_down(b.function, b.consumers, c)
    epoch = b.consumers.epoch[c]
    if b.policy.push == 1:
        if b.consumers.cut[c] == 0 and b.consumers.connected[c] == epoch:
            state_kernel.send(b, now, c, codes.CLOSE, c, epoch)
    else:
        consumers_kernel.unwait(b.consumers, c)
        if b.policy.closes == 1 and b.consumers.cut[c] == 0:
            seen_s = now + b.policy.closes_after_s
            events_kernel.push(b.events, seen_s, codes.HAND_BACK, c, epoch)
    consumers_kernel.get_up(b.consumers, c)
    b.consumers.slept_s[c] = num.INF
    b.consumers.alive[c] = 0
    b.consumers.epoch[c] += 1
    b.consumers.call[c] += 1
    b.consumers.calling[c] = 0
    b.consumers.changed = True
    consumers_kernel.rest(b.consumers, c, 0)


def _ask(b: BrokerState, now: float, c: int, kind: int) -> None:
    """Send a call for more (ASK) or for what is in flight (CLAIM), unless the network is cut."""
    b.consumers.call[c] += 1
    b.consumers.fresh[c] = 1
    b.consumers.asked_s[c] = now
    b.consumers.found_none[c] = 0
    b.consumers.beat_s[c] = num.INF
    if b.consumers.cut[c] == 1:
        b.consumers.calling[c] = codes.HELD_UP
        return
    half_s = state_kernel.half_s(b.receives)
    if b.dies:
        b.dead.added_s[c] = dead_rows_kernel.extra_s(b.dead, now)
        half_s += 0.5 * b.dead.added_s[c]
    if b.policy.passed_s > 0.0:
        b.consumers.passed_s[c] = 0.5 * b.policy.passed_s * num.double(row_locks_kernel.ahead(b))
        half_s += b.consumers.passed_s[c]
    b.consumers.half_s[c] = half_s
    b.consumers.calling[c] = codes.UNDER_WAY
    at_s = state_kernel.within_quota(b, b.receives, now + half_s)
    events_kernel.push(b.events, at_s, kind, c, b.consumers.call[c])


def _asks_for_pending(b: BrokerState, now: float, c: int) -> bool:
    """Before a consumer asks for more, it may have to ask for what is in flight."""
    if b.consumers.owns[c] == 0:
        if not b.claims or now < b.consumers.claimed_s[c] + b.policy.claim_every_s:
            return False
        b.consumers.claimed_s[c] = now
    _ask(b, now, c, codes.CLAIM)
    return True


def _ask_in_time(b: BrokerState, now: float, c: int) -> None:
    """Send a receive call, or wait for the time of the next one."""
    if b.consumers.asleep[c] == 0:
        next_s = b.consumers.asked_s[c] + b.policy.every_s
        if next_s - now <= b.policy.every_least_s:
            next_s = now
        if b.consumers.found_none[c] == 1:
            next_s = max(next_s, now + b.policy.poll_s)
        if b.policy.notify == 1 and b.consumers.came_s > b.consumers.asked_s[c]:
            next_s = min(next_s, b.consumers.asked_s[c] + b.policy.notified_s)
        b.consumers.slept_s[c] = num.INF
        if next_s > now:
            b.consumers.asleep[c] = 1
            b.consumers.sleepers += 1
            b.consumers.next_s[c] = next_s
            b.consumers.slept_s[c] = now
            if b.consumers.cut[c] == 0:
                consumers_kernel.rest(b.consumers, c, 1)
    if b.consumers.asleep[c] == 1:
        if b.consumers.next_s[c] > now:
            consumers_kernel.wake(b.consumers, b.events, c, b.consumers.next_s[c])
            return
        consumers_kernel.get_up(b.consumers, c)
    if not _asks_for_pending(b, now, c):
        _ask(b, now, c, codes.ASK)


def begin(b: BrokerState, now: float, c: int) -> None:
    """A new process in the place of a dead one."""
    b.consumers.alive[c] = 1
    b.consumers.changed = True
    b.consumers.stopping[c] = 0
    b.consumers.factor[c] = 1.0
    b.consumers.resume_s[c] = -num.INF
    b.consumers.inbound_s[c] = -num.INF
    b.consumers.outbound_s[c] = -num.INF
    b.consumers.loop_s[c] = -num.INF
    if b.leased:
        b.consumers.timer_s[c] = now
        leases_kernel.go_on(b, now, c)
    b.consumers.claimed_s[c] = -num.INF
    b.consumers.owns[c] = b.policy.own_first
    if b.policy.push == 0:
        if not _asks_for_pending(b, now, c):
            _ask(b, now, c, codes.ASK)
    elif b.consumers.cut[c] == 0:
        state_kernel.send(b, now, c, codes.JOIN, c, b.consumers.epoch[c])


def send_pushed(b: BrokerState, now: float, c: int, first: int) -> None:
    """Send a chain of acks over a connection, once the consumer's main loop gets to it (CE-12)."""
    if b.policy.ack_trips > 0:
        begun_s = state_kernel.enter_loop(b, now, c)
        trip_s = 2.0 * state_kernel.half_s(b.acks)
        b.consumers.loop_s[c] = begun_s + b.policy.ack_trips * trip_s
        if begun_s > now:
            events_kernel.push(b.events, begun_s, codes.LEAVE_LOOP, first, b.consumers.epoch[c])
            return
    state_kernel.send(b, now, c, codes.ACK, first, 0)


def leave_loop(b: BrokerState, now: float, first: int, epoch: int) -> None:
    """The main loop sends a chain of acks, or they were lost with the process or connection."""
    c = b.deliveries.consumer[first]
    if b.consumers.epoch[c] == epoch:
        state_kernel.send(b, now, c, codes.ACK, first, 0)
        return
    d = first
    while d >= 0:
        then = b.deliveries.then[d]
        b.deliveries.has[d] -= codes.WIRE
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
        d = then


def send_acks(b: BrokerState, now: float, c: int) -> None:
    """Send the acks that are due; a cut network holds them up."""
    b.consumers.chunk[c] = 0
    first = b.consumers.done[c]
    if first < 0:
        return
    if b.consumers.cut[c] == 1:
        if b.policy.push == 0:
            b.consumers.calling[c] = codes.HELD_UP
        return
    d = first
    while d >= 0:
        if b.leased:
            b.deliveries.locked_s[d] = leases_kernel.renewed_s(b, d, now)
        b.deliveries.has[d] = (b.deliveries.has[d] & codes.BROKER) | codes.WIRE
        d = b.deliveries.then[d]
    if b.policy.push == 1:
        send_pushed(b, now, c, first)
    else:
        half_s = state_kernel.half_s(b.acks)
        at_s = state_kernel.within_quota(b, b.acks, now + half_s)
        if b.policy.ack_waits == 1:
            b.consumers.calling[c] = codes.UNDER_WAY
            b.consumers.call[c] += 1
            events_kernel.push(b.events, at_s + half_s, codes.REPLY, c, b.consumers.call[c])
        events_kernel.push(b.events, at_s, codes.ACK, first, 0)
    b.consumers.done[c] = -1


def _note_hold(b: BrokerState, now: float, c: int, d: int) -> None:
    """Note what a message without an effect has met in hand, on which work begins."""
    if b.function.invoked:
        behind_s = times_kernel.begin_invoked(
            b.times, b.deliveries, d, b.function.asked_s[c], b.function.let_in_s[c],
            b.function.start_s[c], b.function.rest_s[c], now,
        )  # fmt: skip
    else:
        due_s = -num.INF
        if b.messages.due_s.shape[0] > 0:
            due_s = b.messages.due_s[b.deliveries.message[d]]
        paused_s = b.consumers.paused_s[c] if b.consumers.resume_s[c] == now else now
        behind_s = times_kernel.begin(b.times, b.deliveries, d, due_s, paused_s, now)
    if behind_s > 0.0:
        limits_kernel.act(b.limits, codes.LIMIT_HELD, now - behind_s, now)
    busy_s = b.deliveries.crowded_s[d] + b.deliveries.past[d, codes.MET_BUSY]
    if busy_s > 0.0:
        limits_kernel.act(b.limits, codes.LIMIT_BUSY, now - busy_s, now)


def finish_at(b: BrokerState, c: int, s: int, end_s: float) -> None:
    """What is in a slot will be done at another time than was thought."""
    b.consumers.whole_s[c, s] = end_s
    ends_s = b.deliveries.begun_s[b.consumers.slot[c, s]] + b.policy.work_limit_s
    end_s = min(end_s, max(ends_s, b.consumers.resume_s[c]))
    b.consumers.end_s[c, s] = end_s
    events_kernel.push(b.events, end_s, codes.FINISH, c * b.consumers.slots + s, 0)
    if b.function.invoked and end_s > function_kernel.deadline_s(b.function, c):
        at_s = function_kernel.deadline_s(b.function, c)
        events_kernel.push(b.events, at_s, codes.TIMED_OUT, c, b.function.number[c])


def _begin_work(b: BrokerState, now: float, c: int, d: int) -> None:
    """Put a delivery into a free slot."""
    if b.policy.blocks == 1 and b.leased:
        leases_kernel.stand_still(b, now, c)
    idle = b.consumers.idle[c] - 1
    b.consumers.idle[c] = idle
    s = b.consumers.idle_slot[c, idle]
    work_s = num.double(b.messages.service_s[b.deliveries.message[d]])
    if b.consumers.fresh[c] == 1:
        b.consumers.fresh[c] = 0
        work_s += b.policy.per_batch_s
        beats_kernel.begin(b, now, c)
    end_s = now + work_s * b.consumers.factor[c]
    b.deliveries.begun_s[d] = now
    b.consumers.slot[c, s] = d
    b.consumers.working += 1
    b.consumers.whole_s[c, s] = end_s
    end_s = min(end_s, now + b.policy.work_limit_s)
    b.consumers.end_s[c, s] = end_s
    b.deliveries.work_s[d] = work_s
    b.consumers.sending[c, s] = -1
    if b.messages.effects[b.deliveries.message[d]] == 0:
        _note_hold(b, now, c, d)
    events_kernel.push(b.events, end_s, codes.FINISH, c * b.consumers.slots + s, 0)
    if b.function.invoked and end_s > function_kernel.deadline_s(b.function, c):
        at_s = function_kernel.deadline_s(b.function, c)
        events_kernel.push(b.events, at_s, codes.TIMED_OUT, c, b.function.number[c])
    if b.policy.ack == codes.ON_START:
        if b.consumers.cut[c] == 1:
            b.deliveries.has[d] |= codes.OWED
        else:
            b.deliveries.has[d] |= codes.WIRE
            b.deliveries.then[d] = -1
            send_pushed(b, now, c, d)


def hold(b: BrokerState, now: float, c: int) -> None:
    """A consumer holds one more delivery for its ETA."""
    if consumers_kernel.hold(b.consumers, b.policy, c):
        limits_kernel.act(b.limits, codes.LIMIT_ETAS, now, now)


def _is_early(b: BrokerState, now: float, c: int, d: int) -> bool:
    """Whether a message is not due yet; then it is held beside the buffer."""
    if b.messages.due_s.shape[0] == 0:
        return False
    due_s = b.messages.due_s[b.deliveries.message[d]]
    if due_s <= now:
        return False
    events_kernel.push(b.events, due_s, codes.DUE, d, 0)
    b.deliveries.has[d] |= codes.LATER
    if b.policy.ack != codes.AUTO and b.deliveries.connection[d] == b.consumers.connected[c]:
        b.consumers.unacked[c] -= 1
        hold(b, now, c)
    return True


def _note_throttled(b: BrokerState, now: float, c: int) -> None:
    """Note of all that a consumer has gathered how long it has waited to be let in."""
    d = b.consumers.buffer[c]
    while d >= 0:
        b.deliveries.loop_s[d] = now - b.function.asked_s[c]
        d = b.deliveries.then[d]


def _gathers(b: BrokerState, now: float, c: int) -> bool:
    """A consumer that has something goes on to gather, if its batch is not complete."""
    if b.function.until_s[c] == num.INF:
        b.function.until_s[c] = now + b.function.window_s
    if (
        b.function.held[c] < b.function.batch
        and now < b.function.until_s[c]
        and b.consumers.stopping[c] == 0
    ):
        _ask(b, now, c, codes.ASK)
        return True
    consumers_kernel.rest(b.consumers, c, 0)
    b.function.stage[c] = codes.INVOKING
    b.function.asked_s[c] = now
    b.function.next_s[c] = now
    b.function.ends_s[c] = b.deliveries.locked_s[b.consumers.buffer[c]] + b.policy.lock_s
    return False


def _invokes(b: BrokerState, now: float, c: int) -> bool:
    """A consumer that has something in hand invokes the function; True: that is at work."""
    at_s = num.double(b.deliveries.arrive_s[b.consumers.buffer_end[c]])
    if at_s > now:
        consumers_kernel.wake(b.consumers, b.events, c, at_s)
        return False
    if b.function.stage[c] == codes.GATHERING and _gathers(b, now, c):
        return False
    if b.function.stage[c] == codes.INVOKING and now >= b.function.next_s[c]:
        if b.function.throttled[c] == 1 and now >= b.function.ends_s[c]:
            _note_throttled(b, now, c)
            b.function.given_up += 1
            empty_hands(b, now, c, False)
            function_kernel.put_down(b.function, b.consumers, c)
            return True
        if b.function.running < b.function.limit:
            _note_throttled(b, now, c)
            function_kernel.let_in(b.function, b.consumers, c, now)
        else:
            function_kernel.throttle(b.function, b.consumers, c, now)
            limits_kernel.act(b.limits, codes.LIMIT_THROTTLED, now, now)
    if b.function.stage[c] == codes.INVOKING:
        consumers_kernel.wake(b.consumers, b.events, c, b.function.next_s[c])
        return False
    if b.function.stage[c] == codes.STARTING:
        if now < b.function.start_s[c]:
            consumers_kernel.wake(b.consumers, b.events, c, b.function.start_s[c])
            return False
        b.function.stage[c] = codes.RUNNING
        b.function.rest_s[c] = b.times.rest_s
    return True


def time_out(b: BrokerState, now: float, c: int, number: int) -> int:
    """An invocation has taken too long: it has failed; returns the consumer, -1: it had ended."""
    if b.function.number[c] != number or b.function.stage[c] != codes.RUNNING:
        return -1
    limits_kernel.act(b.limits, codes.LIMIT_TIMEOUT, b.function.start_s[c], now)
    b.function.failed += 1
    empty_hands(b, now, c, True)
    function_kernel.put_down(b.function, b.consumers, c)
    return c


def _fail(b: BrokerState, now: float, c: int) -> None:
    """An invocation ends with a failure of its whole batch."""
    b.function.failed += 1
    empty_hands(b, now, c, False)


def look_for_work(b: BrokerState, now: float, c: int) -> None:
    """A consumer starts what it has, asks for more, or leaves."""
    if b.consumers.alive[c] == 0 or (b.policy.push == 0 and b.consumers.calling[c] > 0):
        return
    if now < b.consumers.resume_s[c]:
        consumers_kernel.wake(b.consumers, b.events, c, b.consumers.resume_s[c])
        return
    if b.policy.push == 0 and b.consumers.done[c] >= 0 and b.consumers.chunk[c] == 0:
        send_acks(b, now, c)  # the network had held them up
        if b.consumers.calling[c] > 0:
            return
    if b.function.invoked and b.consumers.buffer[c] >= 0 and not _invokes(b, now, c):
        return
    gives_back = b.policy.push == 1 and b.policy.ack != codes.AUTO and b.consumers.stopping[c] == 1
    while b.consumers.idle[c] > 0 and not gives_back:
        d = b.consumers.ripe[c]
        if d >= 0:
            b.consumers.ripe[c] = b.deliveries.then[d]
        else:
            d = b.consumers.buffer[c]
            if d < 0:
                break
            if b.deliveries.arrive_s[d] > now:
                consumers_kernel.wake(b.consumers, b.events, c, b.deliveries.arrive_s[d])
                return
            b.consumers.buffer[c] = b.deliveries.then[d]
        if not _is_early(b, now, c, d):
            _begin_work(b, now, c, d)
    if b.consumers.idle[c] < b.consumers.slots or (b.consumers.buffer[c] >= 0 and not gives_back):
        return
    if b.consumers.stopping[c] == 1:
        if b.policy.stays == 1:
            return
        if b.policy.push == 1 and b.consumers.loop_s[c] > now:
            consumers_kernel.wake(b.consumers, b.events, c, b.consumers.loop_s[c])
            return
        if b.policy.push == 1:
            send_acks(b, now, c)
            hands_back = b.policy.closes == 0 and b.policy.hands_back == 1
            if hands_back and b.consumers.cut[c] == 0:
                state_kernel.send(b, now, c, codes.HAND_BACK, c, b.consumers.epoch[c])
        crash(b, now, c)
    elif b.policy.push == 0:
        _ask_in_time(b, now, c)


def _verdict(b: BrokerState, message: int) -> int:
    """What a consumer says of a message that it has worked on."""
    if b.poison.message.shape[0] == 0:
        return codes.OK
    k = messages_kernel.poison_place(b.poison, message)
    if k < 0 or b.poison.left[k] <= 0:
        return codes.OK
    b.poison.left[k] -= 1
    return b.policy.on_kill if b.poison.kills[k] == 1 else b.policy.on_failure


def _die_of(b: BrokerState, now: float, c: int, message: int) -> None:
    """A message kills its consumer, which may start again."""
    k = messages_kernel.poison_place(b.poison, message)
    limits_kernel.strike(b.limits, codes.KILLED, c, now)
    if b.policy.loses == 1:
        lose_all(b, now, c)
    crash(b, now, c)
    if num.isfinite(b.poison.restart_s[k]):
        restart_s = now + b.poison.restart_s[k]
        events_kernel.push(b.events, restart_s, codes.START, c, b.consumers.epoch[c])


def _sends(b: BrokerState, now: float, c: int, s: int) -> bool:
    """Whether a consumer that has done its work waits for the next stage to take what comes of it.

    Whose work fails sends nothing.
    """
    d = b.consumers.slot[c, s]
    message = b.deliveries.message[d]
    if b.poison.message.shape[0] > 0:
        k = messages_kernel.poison_place(b.poison, message)
        if k >= 0 and b.poison.left[k] > 0:
            return False
    if now >= b.deliveries.begun_s[d] + b.policy.work_limit_s:
        return False
    if b.consumers.sending[c, s] < 0:
        b.consumers.sending[c, s] = held_up.call(b.messages.sends, message, now)
    goes_on_s = held_up.goes_on_s(b.messages.sends, b.consumers.sending[c, s], now)
    if goes_on_s <= now:
        if b.messages.effects[message] == 0:
            held_up.took(b.messages.sends, b.consumers.sending[c, s], message, now)
        return False
    finish_at(b, c, s, goes_on_s)
    return True


def finish(b: BrokerState, now: float, c: int, s: int) -> bool:
    """A consumer is done with what is in a slot, one way or the other.

    False: it died of it, or goes on only later.
    """
    if b.messages.sends.message.shape[0] > 0 and _sends(b, now, c, s):
        return False
    d = b.consumers.slot[c, s]
    message = b.deliveries.message[d]
    verdict = codes.OK
    if now >= b.deliveries.begun_s[d] + b.policy.work_limit_s:
        verdict = b.policy.on_failure
        limits_kernel.act(b.limits, codes.LIMIT_WORK, b.deliveries.begun_s[d], now)
    else:
        verdict = _verdict(b, message)
    fails = b.function.invoked and verdict != codes.OK
    if fails:
        fails = not b.function.reports or verdict == codes.DIE
        if verdict == codes.DIE:
            limits_kernel.strike(b.limits, codes.KILLED, c, now)
            b.function.environments -= 1
            verdict = codes.LEAVE
    if verdict == codes.DIE:
        _die_of(b, now, c, message)
        return False
    if verdict == codes.OK:
        if b.messages.effects[message] == 0:
            times_kernel.take_effect(b.times, b.deliveries, d, now)
        messages_kernel.affect(b.messages, now, message)
    b.consumers.slot[c, s] = -1
    b.consumers.working -= 1
    b.consumers.idle_slot[c, b.consumers.idle[c]] = s
    b.consumers.idle[c] += 1
    if b.leased:
        leases_kernel.go_on(b, now, c)
    b.messages.held -= 1
    if b.policy.until_done == 1 and b.deliveries.has[d] & (codes.WIRE | codes.OWED) == 0:
        at_s = now + state_kernel.half_s(b.acks)
        events_kernel.push(b.events, at_s, codes.ASK_AGAIN, c, b.deliveries.connection[d])
    if b.policy.ack != codes.LATE and b.deliveries.has[d] & codes.OWED == 0:
        b.deliveries.has[d] -= codes.CLIENT
        b.deliveries.verdict[d] = verdict
        if (
            b.deliveries.has[d] & codes.WIRE == 0
            and verdict != codes.OK
            and b.messages.state[message] == codes.ACKED
        ):
            # Acknowledged and gone; what the failure makes of it comes after the fact.
            b.messages.removed -= 1
            settling_kernel.settle(b, now, d, verdict, False)
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
        return True
    b.consumers.chunk[c] += 1
    if verdict == codes.LEAVE:
        if b.leased:
            b.deliveries.locked_s[d] = leases_kernel.renewed_s(b, d, now)
        b.deliveries.gone_s[d] = now
        b.deliveries.has[d] -= codes.CLIENT
        beats_kernel.give_back(b, now, d)
        deliveries_kernel.free_if_forgotten(b.deliveries, d)
    else:
        b.deliveries.verdict[d] = verdict
        b.deliveries.then[d] = -1
        if b.consumers.done[c] < 0:
            b.consumers.done[c] = d
        else:
            b.deliveries.then[b.consumers.done_end[c]] = d
        b.consumers.done_end[c] = d
    if verdict != codes.OK and b.policy.stop_batch == 1:
        d = b.consumers.buffer[c]
        while d >= 0:
            beats_kernel.give_back(b, now, d)
            d = b.deliveries.then[d]
        _let_go_all(b, now, b.consumers.buffer[c])
        b.consumers.buffer[c] = -1
    if fails:
        _fail(b, now, c)
    return True
