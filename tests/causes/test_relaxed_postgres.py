"""Keys of queues in PostgreSQL as causes, library by library."""

import pytest

from helpers.incidents import incident
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed import BOOKS
from sim.causes.relaxed_logs import lines
from sim.causes.relaxed_postgres import POSTGRES
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late")
LIBRARIES = {
    "skip_locked": {"poll_interval", "notify", "lease", "lease (shorter)"},
    "for_update": {"for_update", "poll_interval", "notify"},
    "pg-boss": {
        "pollingIntervalSeconds", "notifyPollingIntervalSeconds", "batchSize", "notify",
        "expireInSeconds", "expireInSeconds (shorter)", "retryLimit",
    },
    "river": {
        "FetchCooldown", "FetchPollInterval", "RescueStuckJobsAfter",
        "RescueStuckJobsAfter (shorter)", "MaxAttempts",
    },
    "graphile_worker": {"pollInterval", "maxAttempts"},
    "oban": {
        "dispatch_cooldown", "stage_interval", "rescue_after", "rescue_after (shorter)",
        "max_attempts",
    },
    "solid_queue": {"polling_interval"},
    "pgmq": {"poll_interval_ms", "qty", "vt", "vt (shorter)"},
}  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_key_of_a_library_can_be_relaxed_and_none_of_another(library):
    more = {"skip_locked": {"lease": 60}, "oban": {"rescue_after": "1h"}}.get(library, {})
    queue = {"workers": 2, "does": ["w"], library: more}
    scenario = incident({"product": "postgres", "queues": {"g": queue}})
    assert lines(scenario, "s", "g") == [*POSTGRES, *BOOKS]
    found = {one.name: one for one in hypotheses(scenario, "s", "g", HARMS, no_rows())}
    of_others = set().union(*LIBRARIES.values()) - LIBRARIES[library]
    assert LIBRARIES[library] <= set(found)
    assert not of_others & set(found)
    for one in found.values():
        assert changed(scenario, one.changes).hash != scenario.hash, one.name
