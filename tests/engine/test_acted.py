"""How often a limit acted, and when."""

from sim.engine.acted_kernel import Acted, note
from sim.engine.waits import of_kernel


def test_what_acted_several_times_is_one_limit_from_first_to_last():
    acted = Acted()
    assert list(of_kernel(acted, "prefetch_count", "5", "held messages")) == []
    note(acted, 3.0, 4.0, 2)
    note(acted, 1.0, 2.0, 1)
    note(acted, 6.0, 6.0, 0)
    (limit,) = of_kernel(acted, "prefetch_count", "5", "held messages", path="queues.q.x")
    assert (limit.times, limit.first_s, limit.last_s) == (3, 1.0, 6.0)
    assert (limit.key, limit.path, limit.value, limit.target) == (
        "prefetch_count", "queues.q.x", "5", "",
    )  # fmt: skip
