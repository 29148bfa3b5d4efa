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
    with pytest.raises(
        LabError, match="no document or file of the profile 'x'; there is prod and dev"
    ):
        imported(tmp_path, ("application-dev.yml", YML), profile="x")


def test_a_profile_that_no_file_has_is_an_error(tmp_path):
    text = "spring.kafka.consumer.max-poll-records=5\n"
    with pytest.raises(LabError, match="no document or file of the profile 'x'; there is none"):
        imported(tmp_path, ("application.properties", text), profile="x")
    prod = "spring.kafka.consumer.max-poll-records=7\n"
    files = (("application.properties", text), ("application-prod.properties", prod))
    _, scenario = imported(tmp_path, *files, profile="prod")
    (group,) = scenario.systems["kafka"].groups.values()
    assert group.max_poll_records == 7


def test_what_names_a_group_or_says_how_many_is_taken_over(tmp_path):
    text = "spring.kafka.consumer.group-id=g\nspring.kafka.listener.concurrency=2\n"
    made, scenario = imported(tmp_path, ("application.properties", text))
    assert "2 keys taken over (2 of a Kafka consumer)" in made.said
    assert not any("group-id" in line for line in made.unsaid)
    assert scenario.systems["kafka"].groups["g"].consumers == 2
    text = "spring.rabbitmq.listener.simple.prefetch=9\n"
    made, _ = imported(tmp_path, ("application.properties", text))
    assert "1 key taken over (1 of a RabbitMQ queue)" in made.said


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


def test_the_listener_of_rabbitmq_is_the_one_that_its_type_names(tmp_path):
    text = (
        "spring.rabbitmq.listener.direct.consumers-per-queue=4\n"
        "spring.rabbitmq.listener.direct.prefetch=9\n"
        "spring.rabbitmq.listener.simple.concurrency=2\n"
        "spring.rabbitmq.listener.simple.prefetch=5\n"
    )
    queues = {"vhosts": [], "queues": [{"name": "mail", "arguments": {}}]}
    for more, expected in (("", (2, 5)), ("spring.rabbitmq.listener.type=direct\n", (4, 9))):
        _, scenario = imported(tmp_path, ("d.json", queues), ("a.properties", text + more))
        queue = scenario.systems["rabbitmq"].queues["mail"]
        assert (queue.consumers, queue.prefetch_count) == expected


def test_with_retries_in_the_listener_a_message_is_rejected_for_good(tmp_path):
    text = "spring.rabbitmq.listener.simple.retry.enabled={}\n"
    queues = {"vhosts": [], "queues": [{"name": "mail", "arguments": {}}]}
    for enabled, answer in (("true", "reject"), ("false", "nack-requeue")):
        files = ("d.json", queues), ("a.properties", text.format(enabled))
        made, scenario = imported(tmp_path, *files)
        assert scenario.systems["rabbitmq"].queues["mail"].on_failure == answer
        assert any("retries in the listener" in u for u in made.unsaid) == (enabled == "true")


def test_commits_by_time_or_count_are_said_not_to_be_taken_over(tmp_path):
    text = "spring.kafka.consumer.group-id=g\nspring.kafka.listener.ack-mode=COUNT_TIME\n"
    made, scenario = imported(tmp_path, ("application.properties", text))
    assert scenario.systems["kafka"].groups["g"].program_commits.per == "batch"
    said = "spring.kafka.listener.ack-mode (line 2): commits by time or count"
    assert any(line.startswith(said) for line in made.unsaid)
