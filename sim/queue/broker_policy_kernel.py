"""What tells one queue of the family, and its consumers, from another."""

from sim.foundation import num
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes


class BrokerPolicy:
    """Constants of one queue and its consumers; at first those of a plain queue.

    Numbers named in `sim.queue.broker_codes` are ints, and so is what is 1 or 0.
    """

    def __init__(self) -> None:
        self.push = 0
        """1: the broker sends while there is credit; 0: consumers ask."""
        self.batch = 1
        """Pull: messages a receive asks for."""
        self.wait_s = 0.0
        """Pull: long-poll wait; 0: short polling."""
        self.every_s = 0.0
        """Pull: a consumer begins no call sooner after the one before."""
        self.every_least_s = 0.0
        """Pull: but it does not wait where no more than this is left of it."""
        self.poll_s = 0.0
        """Pull: wait after an answer that found nothing."""
        self.notify = 0
        """Pull: 1: a message that comes wakes all that wait for their next call."""
        self.notified_s = 0.0
        """Pull: but no call begins sooner than this after the one before."""
        self.prefetch = NO_LIMIT
        """Push: most unacknowledged deliveries of a consumer."""
        self.eta_limit = 0
        """Push: those that it holds for their ETA are so many more, up to this in all (CE-14); 0:
        without limit."""
        self.etas = 0
        """Push: 1: all messages have an ETA, if it may be past; 0: those that were tried again."""
        self.until_done = 0
        """Push: 1: … and what is acknowledged counts until its work is done."""
        self.hands_back = 1
        """Push: 1: what a consumer that stops has not begun comes back at once; 0: by its lock."""
        self.stays = 0
        """Push: 1: a consumer that is to stop, and has nothing to do, does not leave by itself."""
        self.ack = codes.LATE
        """AUTO: at delivery; ON_START; LATE: when done."""
        self.ack_every = 1
        """Pull: deliveries one ack call covers."""
        self.ack_waits = 1
        """Pull: 1: the consumer waits for the answer to its ack."""
        self.per_batch_s = 0.0
        """Pull: work done once a receive."""
        self.lock_s = num.INF
        """Visibility timeout: so long unacknowledged, it comes back; inf: never."""
        self.extends_s = 0.0
        """A consumer that has a message when its lock ends extends that, until so long after it was
        handed the message; 0: it does not."""
        self.beat_s = num.INF
        """Pull: a consumer extends the locks of what it has in hand each time after; inf: never."""
        self.beat_lock_s = 0.0
        """How long they last from then on, …"""
        self.lock_most_s = num.INF
        """… but a lock lasts no longer than this in all."""
        self.failed_lock_s = num.INF
        """How long the lock of a message that failed lasts from then on, where its consumer says
        LEAVE; inf: as long as it would have."""
        self.sweep_s = 0.0
        """Ends of locks are looked at this often; 0: at once."""
        self.lease_s = num.INF
        """Push: such a lock that consumers renew; inf: there is none. Not with ``lock_s``."""
        self.lease_late = 0
        """1: an ack after such a lock has ended counts until it is looked at."""
        self.renew_s = num.INF
        """A consumer's timer fires each time after, and renews what it has had for longer."""
        self.check_s = num.INF
        """Ends of renewed locks are looked for this often, …"""
        self.check_twice = 0
        """1: … and of those alone that were not renewed since it was looked before."""
        self.blocks = 0
        """1: a consumer at work renews nothing."""
        self.max_stalls = NO_LIMIT
        """A message whose renewed lock has ended more often is dead-lettered."""
        self.claim_s = num.INF
        """Pull: a consumer takes over what has been in flight so long without a delivery; inf:
        nobody does. Such messages are never ready. Only with ONE."""
        self.claim_every_s = num.INF
        """Pull: a consumer asks for that no sooner after it has last, and before it asks for …"""
        self.claim_count = 1
        """Pull: … more; for so many at once."""
        self.own_first = 0
        """Pull: 1: a new process first asks for what those before it in its place left behind."""
        self.keep_rows = NO_LIMIT
        """The queue keeps so many of the latest messages, taken or not, when one comes."""
        self.keep_whole = 1
        """Others go so many at a time."""
        self.keep_s = num.INF
        """And those that came no longer ago than this, when one comes."""
        self.loses = 0
        """1: what a process has in hand that is killed is lost."""
        self.work_limit_s = num.INF
        """Push: work that takes longer is ended, and has failed."""
        self.rate_max = NO_LIMIT
        """Messages handed over in a span of ``rate_s`` from the first, at most."""
        self.rate_s = num.INF
        """That span."""
        self.late_ack = 0
        """1: an ack after the lock's end counts while the message is ready."""
        self.any_copy = 0
        """1: an ack of any copy counts, not only the latest's; not with RETRY where returns
        count."""
        self.lock_closes = 0
        """1: the end of a lock closes the connection; all its deliveries come back."""
        self.lock_alone = 0
        """1: … but only those whose lock has ended BY_LOCK."""
        self.closes = 0
        """1: unacknowledged deliveries come back when the connection closes."""
        self.closes_after_s = 0.0
        """Pull: the end of a process is seen so much later."""
        self.reopen_s = 0.0
        """A live consumer whose connection was closed subscribes again after."""
        self.place = codes.RETURNS
        """Where a message comes back to: ORIGINAL, RETURNS, NEXT, BACK."""
        self.requeue_place = codes.RETURNS
        """The same, when its consumer says REQUEUE."""
        self.pick = codes.ONE
        """ONE, GROUPS, PRIORITY (the highest lane), FAIR, SPANS."""
        self.returns_lane = 0
        """PRIORITY: 1: the last lane is of what came back to RETURNS, and goes before all."""
        self.back_lane = -1
        """PRIORITY: what came back to BACK goes into this lane; -1: into its own."""
        self.turns = 0
        """PRIORITY: after so many messages one of lane 0 has its turn, if it is older than the
        first of lane 1; 0: never."""
        self.heads = 0
        """PRIORITY: 1: ``at_head`` looks at the first message of each lane."""
        self.look_ahead = NO_LIMIT
        """GROUPS: only so many messages from the front are looked at."""
        self.span = NO_LIMIT
        """SPANS: fresh messages are taken less than this from the first unresolved."""
        self.noisy_share = 1.0
        """FAIR: share of in flight, or of consumers' time, that makes a lane noisy."""
        self.noisy_least = NO_LIMIT
        """FAIR: in flight, at least."""
        self.recent_s = 60.0
        """FAIR: consumers' time of this span and the one before counts."""
        self.single_active = 0
        """1: one consumer receives, the others stand by."""
        self.max_receives = NO_LIMIT
        """A message received so often is dead-lettered instead of received again."""
        self.max_returns = NO_LIMIT
        """A message that came back more often is dead-lettered."""
        self.counted = 0
        """Bits BY_…: which returns count."""
        self.back_off_s = 0.0
        """What comes back is ready again after; twice as long each time that counts."""
        self.back_off_linear = 0
        """1: … times how often it came back and that counted, but once at least."""
        self.back_off_max_s = num.INF
        """No such wait is longer."""
        self.back_off_by = 0
        """Bits BY_…: which returns have to wait."""
        self.dead_letters = 0
        """1: into the dead-letter queue; 0: dropped."""
        self.on_failure = codes.LEAVE
        """Verdict when the handler raises; RETRY not with GROUPS."""
        self.stop_batch = 0
        """Pull: 1: after a failure the rest of the batch is left alone."""
        self.on_kill = codes.DIE
        """DIE, or the verdict when only a child process dies."""
        self.retry_s = 0.0
        """RETRY: wait before the first."""
        self.retry_growth = 1.0
        """Factor from one wait to the next."""
        self.retry_degree = 0
        """The wait before retry n is times n to the power of this, …"""
        self.retry_base_s = 0.0
        """… and this much longer."""
        self.retry_max_s = num.INF
        """No wait is longer."""
        self.retry_held = 0
        """1: it is published at once with an ETA, and a consumer holds it till then."""
        self.retry_power = 0
        """Each wait is longer by how many there were before, to this power, s; 0: it is not."""
        self.retry_more = 0
        """… and by a random whole number less than this, times how many there are with it, s."""
        self.retry_spread = 0.0
        """Share of the wait that is random: a whole number of ms from what is left, uniformly."""
        self.retry_whole = 0
        """1: a whole number of seconds from 0 to the wait, uniformly."""
        self.max_length = NO_LIMIT
        """Ready messages; with DROP_HEAD not for GROUPS or FAIR."""
        self.overflow = codes.DROP_HEAD
        """DROP_HEAD, REJECT, REJECT_DEAD."""
        self.republish_s = num.INF
        """A refused message is sent again after; inf: never."""
        self.letters_again_s = num.INF
        """The same of a refused dead letter."""
        self.passed_s = 0.0
        """Pull: what each message in flight adds to a call, that stands before the first that is
        ready as the call is made. Only with ONE and ORIGINAL."""
        self.row_waits = 0
        """Pull: 1: a call waits while anything is in flight that had come when it arrived, and sees
        nothing that came later. Only with ONE and ORIGINAL."""
        self.max_in_flight = NO_LIMIT
        """Messages handed out and not acknowledged, over all consumers."""
        self.dedup_s = 0.0
        """A message with the id of one let in less than this ago is not."""
        self.calls_per_s = num.INF
        """Pull: quota of each kind of call; inf: none."""
        self.retention_s = num.INF
        """A message that is ready so long after it came is gone."""
        self.at_head = 0
        """1: only once it is the first; and messages may have a time to live of their own. Not with
        GROUPS, FAIR or SPANS."""
        self.moves = 0
        """1: what is dead-lettered goes into another queue (`broker_letters_kernel`)."""
        self.notes = 0
        """1: what is dead-lettered is also noted with its time, in the letters. Not with ``moves``,
        which take them out, nor ``max_length`` and what expires, which are looked at later."""
        self.delay_s = 0.0
        """From the feed to this queue."""
        self.publish_s = 0.0
        """Time of the queue's process that a published message takes (RQ-13)."""
        self.deliver_s = 0.0
        """Time of it that a delivery takes, with its acknowledgement."""
        self.call_s = 0.0
        """Pull: time of it that a call takes besides, if it finds something; a call that cannot
        wait (``wait_s`` 0) finds nothing while the process is busy."""
        self.deliveries_first = 0
        """1: deliveries go before what is published; 0: they take turns."""
        self.loop_s = 0.0
        """Push: time of a consumer's main loop that a delivery takes (CE-12); 0: it has none."""
        self.fetch_trips = 0
        """Push: round trips for which the loop waits for a delivery, the first to ask for it."""
        self.ack_trips = 0
        """Push: the same for an acknowledgement."""
        self.long_s = 0.1
        """Push: a message that waits longer than this for the queue's process: that is full."""
        self.busy_s = 1.0
        """Push: a main loop that has no pause for longer than this is."""
