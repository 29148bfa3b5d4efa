"""Terraform's resources of SQS, Kinesis and Lambda, read by python-hcl2.

Names of arguments: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
(`aws_sqs_queue`, `aws_sqs_queue_redrive_policy`, `aws_lambda_event_source_mapping`,
`aws_lambda_function`, `aws_kinesis_stream`). Variables have their defaults;
what else a file refers to stays unsaid.
Where nobody says it, the provider has Lambda's defaults (`batch_size`: 10 of a queue, 100 of a
stream; `internal/service/lambda/event_source_mapping.go` of hashicorp/terraform-provider-aws).
"""

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

from sim.foundation.errors import LabError
from sim.imports.config_aws import Mapped, Stack
from sim.imports.config_file import Setting, Source
from sim.imports.config_parts import NO_EFFECT, FileReading
from sim.imports.measured import complaint

_MOST = 1 << 18
"""Letters of a file: the library takes 10 s to read them."""
_QUEUE = {
    "name": "QueueName", "visibility_timeout_seconds": "VisibilityTimeout",
    "message_retention_seconds": "MessageRetentionPeriod", "max_message_size": "MaximumMessageSize",
    "delay_seconds": "DelaySeconds", "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "policy": "Policy", "redrive_policy": "RedrivePolicy",
    "redrive_allow_policy": "RedriveAllowPolicy", "fifo_queue": "FifoQueue",
    "content_based_deduplication": "ContentBasedDeduplication",
    "sqs_managed_sse_enabled": "SqsManagedSseEnabled", "kms_master_key_id": "KmsMasterKeyId",
    "kms_data_key_reuse_period_seconds": "KmsDataKeyReusePeriodSeconds",
    "deduplication_scope": "DeduplicationScope", "fifo_throughput_limit": "FifoThroughputLimit",
    "tags": "Tags",
}  # fmt: skip
_MAPPING = {
    "batch_size": "BatchSize",
    "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
    "enabled": "Enabled", "function_response_types": "FunctionResponseTypes",
    "starting_position": "StartingPosition", "parallelization_factor": "ParallelizationFactor",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
    "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
    "tumbling_window_in_seconds": "TumblingWindowInSeconds",
}  # fmt: skip
_FUNCTION = {
    "timeout": "Timeout", "reserved_concurrent_executions": "ReservedConcurrentExecutions",
    "memory_size": "MemorySize", "runtime": "Runtime", "handler": "Handler",
}  # fmt: skip
_STREAM = {"name": "StreamName", "shard_count": "ShardCount",
           "retention_period": "RetentionPeriodHours"}  # fmt: skip
_REFERENCE = re.compile(r"\$\{\s*(aws_\w+)\.(\w+)(?:\[\d+\])?\.\w+\s*\}")
_VARIABLE = re.compile(r"\$\{\s*var\.(\w+)\s*\}")
_ENCODED = re.compile(r"\$\{\s*jsonencode\(\s*\{(.*)\}\s*\)\s*\}", re.DOTALL)
_IN_POLICY = re.compile(r'"?(deadLetterTargetArn|maxReceiveCount)"?\s*[=:]\s*("[^"]*"|[\w.\[\]]+)')


def recognises(source: Source) -> bool:
    """By the name of the file."""
    return source.format == "hcl"


def read(source: Source) -> FileReading:
    """The resources of the file.

    Raises:
        LabError: it is no HCL, or the library is not installed.
    """
    data = _parsed(source)
    stack = Stack(FileReading("a Terraform configuration"))
    found = {(kind, name): body for kind, name, body in _resources(data)}
    variables = {
        _bare(name): body.get("default")
        for block in data.get("variable", [])
        for name, body in block.items()
    }
    for (kind, name), body in found.items():
        at = _Body(source, kind, name, _filled(body, variables), stack)
        if kind == "aws_sqs_queue":
            stack.queues[name] = at.settings(_QUEUE)
        elif kind == "aws_kinesis_stream":
            stack.streams[name] = at.settings(_STREAM)
        elif kind == "aws_lambda_function":
            stack.functions[name] = at.settings(_FUNCTION)
        elif kind == "aws_lambda_event_source_mapping":
            settings = at.settings(_MAPPING)
            for block in body.get("scaling_config", []):
                line = at.line("maximum_concurrency")
                most = block.get("maximum_concurrency")
                settings.append(Setting("MaximumConcurrency", most, line, "maximum_concurrency"))
            event, function = body.get("event_source_arn"), body.get("function_name")
            stack.mappings.append(Mapped(_name(event), settings, _name(function)))
        elif kind != "aws_sqs_queue_redrive_policy":
            line = at.line(None)
            stack.reading.leave(Setting(f"{kind}.{name}", None, line), "a resource of its own")
    for (kind, name), body in found.items():
        if kind == "aws_sqs_queue_redrive_policy":
            at = _Body(source, kind, name, _filled(body, variables), stack)
            queue = stack.queues.get(_name(body.get("queue_url")))
            if queue is not None:
                queue += at.settings({"redrive_policy": "RedrivePolicy"})
    return stack.read()


def _parsed(source: Source) -> dict[str, Any]:
    try:
        import hcl2
    except ImportError:
        raise LabError("Terraform is read by python-hcl2: pip install python-hcl2") from None
    if len(source.text) > _MOST:
        raise complaint(source.path, f"more than {_MOST >> 10} Ki letters of HCL")
    try:
        data = hcl2.load(StringIO(source.text))
    except Exception as error:  # whatever its grammar raises
        line = getattr(error, "line", None)
        told = line if isinstance(line, int) and line > 0 else None
        raise complaint(source.path, "unreadable HCL", told) from None
    return dict(data)


def _bare(text: Any) -> Any:
    """A text without its quotes, which the library keeps."""
    if isinstance(text, str) and len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def _resources(data: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for block in data.get("resource", []):
        for kind, named in block.items():
            for name, body in named.items() if isinstance(named, dict) else ():
                yield _bare(kind), _bare(name), body


def _filled(body: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """With variables at their defaults."""
    made = {}
    for key, value in body.items():
        found = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        made[key] = variables.get(found[1], value) if found else value
    return made


def _name(value: Any) -> str:
    """The resource that a value refers to, or what it says."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return found[2] if found else str(_bare(value) or "")


class _Body:
    """A resource."""

    def __init__(
        self, source: Source, kind: str, name: str, body: Mapping[str, Any], stack: Stack
    ) -> None:
        self.body, self.reading = body, stack.reading
        self.lines = source.text.splitlines()
        head = re.compile(rf'\s*resource\s+"{re.escape(kind)}"\s+"{re.escape(name)}"')
        self.begins = next((i for i, line in enumerate(self.lines) if head.match(line)), None)

    def line(self, key: str | None) -> int | None:
        """Where a key of it stands; None: where it begins."""
        if self.begins is None or key is None:
            return None if self.begins is None else self.begins + 1
        shape = re.compile(rf"\s*{re.escape(key)}\s*=")
        later = enumerate(self.lines[self.begins :], self.begins + 1)
        return next((number for number, line in later if shape.match(line)), self.begins + 1)

    def settings(self, names: Mapping[str, str]) -> list[Setting]:
        found = []
        for key, value in self.body.items():
            if key.startswith("__"):
                continue
            setting = Setting(names.get(key, key), _bare(value), self.line(key), key)
            if key not in names:
                if key not in ("event_source_arn", "function_name", "scaling_config", "queue_url"):
                    self.reading.leave(setting, NO_EFFECT)
            elif key == "redrive_policy":
                found.append(setting._replace(value=_policy(value)))
            elif isinstance(value, str) and "${" in value:
                self.reading.leave(setting, "refers to what the file does not hold")
            elif isinstance(value, list):
                found.append(setting._replace(value=[_bare(one) for one in value]))
            else:
                found.append(setting)
        return found


def _policy(value: Any) -> Any:
    """A redrive policy of `jsonencode({…})`, with the target's name."""
    found = _ENCODED.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        text = _bare(value)
        return text.replace('\\"', '"') if isinstance(text, str) else text
    policy: dict[str, Any] = {}
    for key, word in _IN_POLICY.findall(found[1]):
        plain = _bare(word)
        if key == "deadLetterTargetArn":
            reference = re.fullmatch(r"aws_sqs_queue\.(\w+)(?:\[\d+\])?\.arn", plain)
            policy[key] = reference[1] if reference else plain
        else:
            policy[key] = int(plain) if plain.isdigit() else plain
    return policy
