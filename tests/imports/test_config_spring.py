"""Spring Boot's files, with relaxed names, durations, placeholders and profiles."""

import pytest

from helpers.configs import all_done, imported
from sim.foundation.errors import LabError

YML = """\
spring:
  kafka:
    consumer:
      groupId: ${GROUP:orders}
      max-poll-records: 50
      fetch-max-wait: 250ms
      fetch-min-size: 2KB
      properties:
        max.poll.interval.ms: 600000
        sasl.jaas.config: secret
    producer:
      batch-size: 32KB
      acks: ${ACKS}
    listener: {concurrency: 3, ack-mode: RECORD}
---
spring:
  config.activate.on-profile: prod
  kafka.listener.concurrency: 6
"""


def test_concurrency_is_the_number_of_consumers(tmp_path):
    made, scenario = imported(tmp_path, ("application.yml", YML))
    kafka = scenario.systems["kafka"]
    group = kafka.groups["orders"]
    assert group.consumers == 3 and group.max_poll_records == 50
    assert group.fetch_max_wait_ms == 250 and group.fetch_min_bytes == 2048
    assert group.max_poll_interval_ms == 600_000 and not group.enable_auto_commit
    assert group.program_commits.per == "record" and kafka.producer.batch_size == 32 << 10
    assert "spring.kafka.producer.acks (line 13): its value comes from outside" in " ".join(
        made.unsaid
    )
    assert "what holds in the profiles prod: --profile takes one" in made.unsaid
    assert "secret" not in made.yaml and not any("how many consumers" in u for u in made.unsaid)
    assert all_done(scenario)


def test_a_profile_is_laid_over_the_rest(tmp_path):
    _, scenario = imported(tmp_path, ("application.yml", YML), profile="prod")
    assert scenario.systems["kafka"].groups["orders"].consumers == 6
    with pytest.raises(LabError, match="no document of the profile 'x'; it has prod"):
        imported(tmp_path, ("application-dev.yml", YML), profile="x")


def test_properties_have_profiles_too(tmp_path):
    text = (
        "spring.kafka.consumer.group-id=g\nspring.kafka.listener.concurrency=2\n#---\n"
        "spring.config.activate.on-profile=prod\nspring.kafka.listener.concurrency=4\n"
    )
    for profile, consumers in ((None, 2), ("prod", 4)):
        _, scenario = imported(tmp_path, ("application.properties", text), profile=profile)
        assert scenario.systems["kafka"].groups["g"].consumers == consumers


def test_a_listener_of_rabbitmq_reads_the_queues_of_the_definitions(tmp_path):
    text = "spring.rabbitmq.listener.simple.concurrency=2\nspring.rabbitmq.password=secret\n"
    queues = {"vhosts": [], "queues": [{"name": "mail", "arguments": {}}]}
    made, scenario = imported(tmp_path, ("d.json", queues), ("a.properties", text))
    queue = scenario.systems["rabbitmq"].queues["mail"]
    assert queue.consumers == 2 and queue.prefetch_count == 250
    assert "secret" not in made.yaml and all_done(scenario)
