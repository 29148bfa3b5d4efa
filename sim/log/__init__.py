"""The log mechanism: topics of partitions, consumer groups, and the Kafka preset."""
