"""RabbitMQ's definitions, with policies applied."""

from helpers.configs import all_done, imported


def _policy(name, pattern, definition, priority=0, apply_to="queues", vhost="/"):
    return {
        "vhost": vhost, "name": name, "pattern": pattern, "apply-to": apply_to,
        "definition": definition, "priority": priority,
    }  # fmt: skip


DEFINITIONS = {
    "rabbit_version": "3.13.0",
    "users": [{"name": "u", "password_hash": "secret"}],
    "policies": [
        _policy("low", "^jobs", {"max-length": 1}),
        _policy("high", "^jobs", {"max-length": 500, "message-ttl": 9000, "no-such-key": "u"}, 5),
        _policy("mirrored", "^jobs", {"max-length": 5, "ha-mode": "all"}, 7),
        _policy("classic", "^jobs", {"max-length": 2}, 9, "classic_queues"),
        _policy("elsewhere", "^jobs", {"max-length": 3}, 9, vhost="other"),
        _policy("wrong", "(", {"max-length": 4}, 99),
    ],
    "queues": [
        {
            "name": "jobs", "vhost": "/",
            "arguments": {"x-queue-type": "quorum", "x-message-ttl": 8000,
                          "x-dead-letter-exchange": "dlx"},
        },
        {"name": "dead", "vhost": "/", "arguments": {}},
    ],
    "exchanges": [{"name": "dlx", "vhost": "/", "type": "fanout"}],
    "bindings": [{"source": "dlx", "destination": "dead", "routing_key": ""}],
}  # fmt: skip


def test_the_policy_of_the_highest_priority_applies_and_the_smaller_time_counts(tmp_path):
    made, scenario = imported(tmp_path, ("definitions.json", DEFINITIONS))
    rabbitmq = scenario.systems["rabbitmq"]
    assert rabbitmq.version == "3.13.0" and list(rabbitmq.readers) == ["jobs"]
    arguments = rabbitmq.queues["jobs"].arguments
    assert arguments.queue_type == "quorum" and arguments.max_length == 500
    assert arguments.message_ttl == 8000 and arguments.dead_letter_exchange == "dlx"
    assert rabbitmq.queues["dead"].consumers == 0
    said = " ".join(made.unsaid)
    assert "no-such-key" in said and "users (line 1): who may do what" in said
    why = "with it the policy mirrored does not apply to the quorum queue jobs"
    assert f"ha-mode (line 1): {why}" in made.unsaid
    assert "secret" not in made.yaml and all_done(scenario)


def test_of_two_delivery_limits_without_limit_gives_way(tmp_path):
    queue = {"name": "q", "arguments": {"x-queue-type": "quorum", "x-delivery-limit": -1}}
    policies = [_policy("p", "q", {"delivery-limit": 5}, apply_to="quorum_queues")]
    data = {"vhosts": [], "policies": policies, "queues": [queue]}
    _, scenario = imported(tmp_path, ("d.json", data))
    assert scenario.systems["rabbitmq"].queues["q"].arguments.delivery_limit == 5


def _overflow(tmp_path, kind, argument, policy, operator):
    arguments = {"x-queue-type": kind, "x-max-length": 10}
    if argument:
        arguments["x-overflow"] = argument
    given = {"policies": policy, "operator_policies": operator}
    data = {
        "vhosts": [],
        "queues": [{"name": "q", "arguments": arguments}],
        **{which: [_policy(which, "q", {"overflow": v})] for which, v in given.items() if v},
    }
    _, scenario = imported(tmp_path, ("d.json", data))
    return scenario.systems["rabbitmq"].queues["q"].arguments.overflow


def test_overflow_is_the_policys_on_a_quorum_queue_and_the_arguments_on_a_classic_one(tmp_path):
    reject, drop = "reject-publish", "drop-head"
    assert _overflow(tmp_path, "classic", drop, reject, None) == drop
    assert _overflow(tmp_path, "quorum", drop, reject, None) == reject
    assert _overflow(tmp_path, "quorum", None, drop, reject) == reject
    assert _overflow(tmp_path, "classic", None, drop, reject) == reject
    assert _overflow(tmp_path, "classic", drop, None, reject) == drop


def test_a_policy_with_a_delivery_limit_does_not_apply_to_a_classic_queue(tmp_path):
    queue = {"name": "q", "arguments": {}}
    policies = [
        _policy("high", "q", {"delivery-limit": 5, "max-length": 7}, 2),
        _policy("low", "q", {"max-length": 9}, 1),
    ]
    data = {"vhosts": [], "policies": policies, "queues": [queue]}
    _, scenario = imported(tmp_path, ("d.json", data))
    assert scenario.systems["rabbitmq"].queues["q"].arguments.max_length == 9


def test_RQ_11_delayed_retries_are_those_of_the_policy_and_the_shorter_times(tmp_path):
    arguments = {
        "x-queue-type": "quorum",
        "x-delayed-retry-type": "failed",
        "x-delayed-retry-min": 5_000,
        "x-delayed-retry-max": 9_000,
    }
    definition = {"delayed-retry-type": "all", "delayed-retry-min": 1_000,
                  "delayed-retry-max": 30_000}  # fmt: skip
    data = {
        "vhosts": [],
        "queues": [{"name": "q", "arguments": arguments}],
        "policies": [_policy("p", "q", definition)],
    }
    _, scenario = imported(tmp_path, ("d.json", data))
    its = scenario.systems["rabbitmq"].queues["q"].arguments
    assert its.delayed_retry_type == "all"
    assert (its.delayed_retry_min, its.delayed_retry_max) == (1_000, 9_000)
    made, scenario = imported(tmp_path, ("d.json", data | {"queues": [{"name": "q"}]}))
    its = scenario.systems["rabbitmq"].queues["q"].arguments
    assert (its.queue_type, its.delayed_retry_min) == ("classic", None)
    assert "of quorum queues, without effect on q" in " ".join(made.unsaid)
