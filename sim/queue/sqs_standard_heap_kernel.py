"""Which worker of a standard queue has the next event: a heap, the earliest first.

At equal times the lower worker comes first. Parked workers are not in it: the first that came is
the first to end, and their ring is in that order.
"""

from sim.foundation import num
from sim.queue import sqs_standard_codes as codes
from sim.queue.sqs_standard_state_kernel import StandardWorkers


def _before(workers: StandardWorkers, one: int, other: int) -> bool:
    """Whether an entry of the heap comes before another; at equal times, the lower worker does."""
    before: bool = workers.heap_s[one] < workers.heap_s[other]
    if workers.heap_s[one] == workers.heap_s[other]:
        before = workers.heap_w[one] < workers.heap_w[other]
    return before


def _first_of_four(workers: StandardWorkers, child: int) -> int:
    """Of four entries, the one before the others, though their times may be equal."""
    first = child
    for other in range(child + 1, child + 4):
        if _before(workers, other, first):
            first = other
    return first


def push(workers: StandardWorkers, w: int) -> None:
    """Put worker ``w`` into the heap, if anything is to happen to it."""
    at_s = workers.event_s[w]
    if at_s == num.INF:
        return
    at = workers.heap_n
    workers.heap_n = at + 1
    while at > 0:
        above = (at - 1) >> 2
        if workers.heap_s[above] < at_s:
            break
        if workers.heap_s[above] == at_s and workers.heap_w[above] < w:
            break
        workers.heap_s[at] = workers.heap_s[above]
        workers.heap_w[at] = workers.heap_w[above]
        at = above
    workers.heap_s[at] = at_s
    workers.heap_w[at] = w


def replace_first(workers: StandardWorkers, w: int, at_s: float) -> None:
    """Have another entry in the place of the first."""
    at = 0
    child = 1
    while child < workers.heap_n:
        # The least of four, without a branch; behind the last in the heap are some at infinity.
        s0 = workers.heap_s[child]
        s1 = workers.heap_s[child + 1]
        s2 = workers.heap_s[child + 2]
        s3 = workers.heap_s[child + 3]
        left_s = min(s0, s1)
        right_s = min(s2, s3)
        least_s = min(left_s, right_s)
        left = child + (s1 < s0)
        right = child + 2 + (s3 < s2)
        first = left + (right - left) * (right_s < left_s)
        if s0 == s1 or s2 == s3 or left_s == right_s:
            first = _first_of_four(workers, child)
        if least_s > at_s or (least_s == at_s and workers.heap_w[first] > w):
            break
        workers.heap_s[at] = least_s
        workers.heap_w[at] = workers.heap_w[first]
        at = first
        child = 4 * at + 1
    workers.heap_s[at] = at_s
    workers.heap_w[at] = w


def put_back(workers: StandardWorkers, w: int) -> None:
    """Worker ``w``, the first in the heap, has had its event: order it by the next."""
    if workers.event_s[w] < num.INF and workers.kind[w] != codes.PARKED:
        replace_first(workers, w, workers.event_s[w])
        return
    last = workers.heap_n - 1
    last_s = workers.heap_s[last]
    workers.heap_n = last
    workers.heap_s[last] = num.INF
    if last > 0:
        replace_first(workers, workers.heap_w[last], last_s)


def order(workers: StandardWorkers) -> None:
    """Make the heap anew."""
    for at in range(workers.heap_n):
        workers.heap_s[at] = num.INF
    workers.heap_n = 0
    for w in range(workers.kind.shape[0]):
        if workers.kind[w] != codes.PARKED:
            push(workers, w)
    workers.disordered = False


def schedule(workers: StandardWorkers, w: int, at_s: float) -> None:
    """Set a worker's next event, from outside."""
    workers.event_s[w] = at_s
    workers.disordered = True
