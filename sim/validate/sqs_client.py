"""A client of an SQS-compatible server, as its processes make it."""

from typing import Any

import boto3
from botocore.config import Config


def client(url: str, connections: int = 1) -> Any:
    """A boto3 client without retries: what fails is to be seen.

    Args:
        url: of the server.
        connections: that it may have at a time.
    """
    return boto3.client(
        "sqs",
        endpoint_url=url,
        region_name="elasticmq",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(
            retries={"max_attempts": 0},
            max_pool_connections=connections,
            read_timeout=60,
        ),
    )
