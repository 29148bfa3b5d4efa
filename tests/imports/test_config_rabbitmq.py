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
        _policy("high", "^jobs", {"max-length": 500, "message-ttl": 9000, "ha-mode": "all"}, 5),
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
    assert "ha-mode" in said and "users (line 1): who may do what" in said
    assert "secret" not in made.yaml and all_done(scenario)


def test_of_two_delivery_limits_without_limit_gives_way(tmp_path):
    queue = {"name": "q", "arguments": {"x-queue-type": "quorum", "x-delivery-limit": -1}}
    policies = [_policy("p", "q", {"delivery-limit": 5}, apply_to="quorum_queues")]
    data = {"vhosts": [], "policies": policies, "queues": [queue]}
    _, scenario = imported(tmp_path, ("d.json", data))
    assert scenario.systems["rabbitmq"].queues["q"].arguments.delivery_limit == 5
