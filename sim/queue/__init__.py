"""The destructive-queue mechanism: senders, queues with workers, and the SQS preset."""
