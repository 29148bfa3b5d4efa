"""What can happen to consumers; each verb acts at the time to which `broker_kernel.work` has come.

They are told of in `sim.queue.broker.Broker`. There must be room for the events.
"""

from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue import broker_consumers_kernel as consumers_kernel
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_hands_kernel as hands_kernel
from sim.queue import broker_leases_kernel as leases_kernel
from sim.queue import broker_state_kernel as state_kernel
from sim.queue.broker_state_kernel import BrokerState


def start(b: BrokerState, now: float, c: int) -> None:
    """A new process in the place of a dead one."""
    hands_kernel.begin(b, now, c)


def crash(b: BrokerState, now: float, c: int) -> None:
    """The process ends, and what it has in hand is gone."""
    if b.policy.loses == 1:
        hands_kernel.lose_all(b, now, c)
        b.clock_s = max(b.clock_s, now)  # others may be in flight in their place
    hands_kernel.crash(b, now, c)


def leave(b: BrokerState, now: float, c: int) -> None:
    """The process ends, but gives back what is not acknowledged."""
    epoch = b.consumers.epoch[c]
    hands_kernel.crash(b, now, c)
    if b.policy.closes == 0 and b.policy.hands_back == 1 and b.consumers.cut[c] == 0:
        events_kernel.push(b.events, now, codes.HAND_BACK, c, epoch)


def pause(b: BrokerState, now: float, c: int, resume_s: float) -> None:
    """The whole process stands still until ``resume_s``."""
    if b.leased:
        leases_kernel.stand_still(b, now, c)
        events_kernel.push(b.events, resume_s, codes.RESUME, c, b.consumers.epoch[c])
    shift_s = resume_s - max(now, b.consumers.resume_s[c])
    if now >= b.consumers.resume_s[c]:
        b.consumers.paused_s[c] = now
    b.consumers.resume_s[c] = resume_s
    if b.policy.loop_s > 0.0:
        b.consumers.loop_s[c] = max(b.consumers.loop_s[c], resume_s)
    for s in range(b.consumers.slots):
        if b.consumers.slot[c, s] >= 0:
            end_s = b.consumers.whole_s[c, s] + shift_s
            if b.consumers.sending[c, s] >= 0:
                end_s = max(b.consumers.whole_s[c, s], resume_s)
            hands_kernel.finish_at(b, c, s, end_s)


def slow(b: BrokerState, now: float, c: int, factor: float) -> None:
    """Service takes ``factor`` times as long from now on."""
    ratio = factor / b.consumers.factor[c]
    b.consumers.factor[c] = factor
    from_s = max(now, b.consumers.resume_s[c])
    for s in range(b.consumers.slots):
        if b.consumers.slot[c, s] >= 0 and b.consumers.sending[c, s] < 0:
            end_s = from_s + (b.consumers.whole_s[c, s] - from_s) * ratio
            hands_kernel.finish_at(b, c, s, end_s)


def terminate(b: BrokerState, now: float, c: int) -> None:
    """SIGTERM: finish what is in hand, give back the rest, and leave."""
    b.consumers.stopping[c] = 1
    b.consumers.changed = True
    if b.policy.push == 1:
        epoch = b.consumers.epoch[c]
        if b.consumers.cut[c] == 0 and b.consumers.connected[c] == epoch:
            state_kernel.send(b, now, c, codes.CANCEL, c, epoch)
        events_kernel.push(b.events, now, codes.WAKE, c, 0)
    elif b.function.invoked and b.consumers.buffer[c] >= 0 and b.consumers.ahead[c] >= 0:
        # It has gathered something, and invokes the function with it.
        consumers_kernel.unwait(b.consumers, c)
        consumers_kernel.rest(b.consumers, c, 0)
        b.consumers.call[c] += 1
        b.consumers.calling[c] = 0
        events_kernel.push(b.events, now, codes.WAKE, c, 0)
    elif b.consumers.ahead[c] >= 0 or b.consumers.calling[c] == codes.HELD_UP:
        hands_kernel.crash(b, now, c)
    else:
        events_kernel.push(b.events, now, codes.WAKE, c, 0)


def stay(b: BrokerState, c: int) -> None:
    """Take SIGTERM back: a consumer that has not left yet goes on."""
    b.consumers.stopping[c] = 0
    b.consumers.changed = True


def cut_off(b: BrokerState, now: float, c: int) -> None:
    """The network between consumer and broker is gone; what is under way from it arrives."""
    if b.leased:
        leases_kernel.stand_still(b, now, c)
    b.consumers.cut[c] = 1
    b.consumers.changed = True
    if b.policy.push == 0:
        consumers_kernel.rest(b.consumers, c, 0)
    first = b.consumers.buffer[c]
    if b.policy.push == 1:
        d = first
        while d >= 0:
            if b.deliveries.arrive_s[d] > now:
                b.deliveries.arrive_s[d] = num.INF
                b.deliveries.gone_s[d] = min(now, b.deliveries.gone_s[d])
            d = b.deliveries.then[d]
    elif b.consumers.alive[c] == 1:
        if first >= 0 and b.deliveries.arrive_s[first] > now:
            # The answer is lost with all its messages.
            hands_kernel.empty_hands(b, now, c, False)
            b.consumers.calling[c] = codes.UNDER_WAY
        if b.consumers.calling[c] == codes.UNDER_WAY:
            consumers_kernel.unwait(b.consumers, c)
            b.consumers.call[c] += 1
            b.consumers.calling[c] = codes.HELD_UP


def reconnect(b: BrokerState, now: float, c: int) -> None:
    """The network is back: what was held up is sent; a connection that was closed, opened anew."""
    b.consumers.cut[c] = 0
    if b.leased:
        leases_kernel.go_on(b, now, c)
    b.consumers.changed = True
    if b.policy.push == 0:
        if b.consumers.alive[c] == 1 and b.consumers.calling[c] == codes.HELD_UP:
            b.consumers.calling[c] = 0
            events_kernel.push(b.events, now, codes.WAKE, c, 0)
        return
    connected = b.consumers.connected[c]
    epoch = b.consumers.epoch[c]
    if connected >= 0 and connected != epoch:
        state_kernel.send(b, now, c, codes.CLOSE, c, connected)
    if b.consumers.alive[c] == 0:
        return
    if connected == epoch:
        _resume_connection(b, now, c)
    elif b.consumers.stopping[c] == 0:
        state_kernel.send(b, now, c, codes.JOIN, c, epoch)


def _resume_connection(b: BrokerState, now: float, c: int) -> None:
    """The broker has not closed the connection: what was held up on either side is sent."""
    arrive_s = now + state_kernel.half_s(b.receives)
    arrive_s = max(b.consumers.inbound_s[c], arrive_s)
    b.consumers.inbound_s[c] = arrive_s
    d = b.consumers.buffer[c]
    while d >= 0:
        if b.deliveries.arrive_s[d] > arrive_s:
            b.deliveries.arrive_s[d] = arrive_s
            b.deliveries.gone_s[d] = num.INF
        d = b.deliveries.then[d]
    events_kernel.push(b.events, now, codes.WAKE, c, 0)
    if b.consumers.done[c] >= 0:
        hands_kernel.send_acks(b, now, c)
    for s in range(b.consumers.slots):
        d = b.consumers.slot[c, s]
        if d >= 0 and b.deliveries.has[d] & codes.OWED != 0:
            b.deliveries.has[d] += codes.WIRE - codes.OWED
            b.deliveries.then[d] = -1
            hands_kernel.send_pushed(b, now, c, d)
    if b.consumers.stopping[c] == 1:
        state_kernel.send(b, now, c, codes.CANCEL, c, b.consumers.connected[c])


def disconnect(b: BrokerState, now: float, c: int) -> None:
    """The broker has heard nothing for too long: it closes the connection."""
    if b.consumers.connected[c] >= 0:
        events_kernel.push(b.events, now, codes.CLOSE, c, b.consumers.connected[c])
