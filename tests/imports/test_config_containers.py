"""Compose files and Kubernetes manifests."""

from helpers.configs import all_done, imported

COMPOSE = """\
services:
  kafka:
    image: apache/kafka:4.0.0
    environment:
      KAFKA_NUM_PARTITIONS: 6
      KAFKA_LOG_RETENTION_MS: 3600000
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: 0
  orders:
    image: orders
    deploy: {replicas: 2}
    environment:
      - SPRING_KAFKA_CONSUMER_GROUP_ID=orders
      - SPRING_KAFKA_LISTENER_CONCURRENCY=3
      - DB_PASSWORD=secret
"""


def test_services_are_known_by_their_environment(tmp_path):
    made, scenario = imported(tmp_path, ("docker-compose.yml", COMPOSE))
    kafka = scenario.systems["kafka"]
    assert kafka.topic.partitions == 6 and kafka.topic.retention_ms == 3_600_000
    assert kafka.brokers.group_initial_rebalance_delay_ms == 0
    assert kafka.groups["orders"].consumers == 6
    assert "DB_PASSWORD (line 14): of a program that the lab does not know" in made.unsaid
    assert "secret" not in made.yaml and all_done(scenario)


MANIFESTS = """\
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: orders}
spec: {partitions: 8, replicas: 3, config: {retention.ms: 7200000}}
---
apiVersion: v1
kind: Secret
stringData: {password: secret}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: orders}
spec:
  scaleTargetRef: {name: orders}
  minReplicaCount: 2
  maxReplicaCount: 8
  fallback: {failureThreshold: 3}
  triggers:
    - type: kafka
      metadata: {consumerGroup: orders, lagThreshold: "50", topic: orders}
"""


def test_a_scaled_object_scales_its_group(tmp_path):
    made, scenario = imported(tmp_path, ("k8s.yaml", MANIFESTS))
    kafka = scenario.systems["kafka"]
    assert kafka.topic.partitions == 8 and kafka.topic.replication_factor == 3
    assert kafka.groups["orders"].consumers == 2
    (fault,) = scenario.faults
    assert fault.target == "kafka.orders" and fault.scaler.lag_threshold == 50
    assert (fault.scaler.min_replica_count, fault.scaler.max_replica_count) == (2, 8)
    said = " ".join(made.unsaid)
    assert "fallback (line 17)" in said and "Secret (line 7): secrets are not read" in said
    assert "secret}" not in made.yaml and all_done(scenario)


def test_a_queue_of_sqs_is_scaled_by_its_length(tmp_path):
    text = MANIFESTS.split("---\n")[2].replace("type: kafka", "type: aws-sqs-queue")
    text = text.replace(
        '{consumerGroup: orders, lagThreshold: "50", topic: orders}',
        "{queueURL: https://sqs.eu-west-1.amazonaws.com/1/jobs}",
    )
    _, scenario = imported(tmp_path, ("scaled.yaml", text))
    assert scenario.systems["sqs"].queues["jobs"].workers == 2
    assert scenario.faults[0].scaler.queue_length == 5
