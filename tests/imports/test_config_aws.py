"""Attributes of a queue, templates of CloudFormation and SAM, and the Serverless Framework."""

import json

import pytest

from helpers.configs import all_done, imported
from helpers.exports import written
from sim.foundation.errors import LabError
from sim.imports import config

ATTRIBUTES = {
    "QueueArn": "arn:aws:sqs:eu-central-1:123456789012:counters",
    "VisibilityTimeout": "45",
    "ReceiveMessageWaitTimeSeconds": "20",
    "SqsManagedSseEnabled": "true",
    "RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:x", "maxReceiveCount": "4"}),
}


@pytest.mark.parametrize("answer", [{"Attributes": ATTRIBUTES}, ATTRIBUTES])
def test_the_attributes_of_a_queue_become_a_scenario(answer, tmp_path):
    made, scenario = imported(tmp_path, ("queue.json", answer))
    queue = scenario.systems["sqs"].queues["counters"]
    assert (queue.visibility_timeout, queue.receive_message_wait_time_seconds) == (45, 20)
    assert queue.redrive_policy.max_receive_count == 4 and queue.workers == 1
    assert queue.redrive_policy.dead_letter_target_arn == "arn:aws:x"
    assert "QueueArn (line 1): a name or an address; nothing is looked up by it here" in made.unsaid
    secured = "who may connect, and how they prove it, changes neither lag nor loss nor order"
    assert f"SqsManagedSseEnabled (line 1): {secured}" in made.unsaid
    assert any("how many messages a receive of counters asks for" in line for line in made.unsaid)
    assert all_done(scenario)


def test_a_fifo_queue_is_given_the_groups_that_senders_would_name(tmp_path):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    made, scenario = imported(tmp_path, ("queue.json", attributes))
    queue = scenario.systems["sqs"].queues["queue"]
    assert queue.fifo_queue and queue.message_group_id == ["key"]
    said = " ".join(made.unsaid)
    assert "which its sender gives: key" in said and "no two messages of the lab" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"Attributes": {\n"RedrivePolicy": "{\\"DelaySeconds\\": 1}",\n'
            '"DelaySeconds": "901"}}',
            [":3: DelaySeconds: must be at most 900, not 901", ":2: RedrivePolicy"],
        ),
        (
            '{"DelaySeconds": "1",\n"VisibiltyTimeout": "30"}',
            [":2: VisibiltyTimeout: unknown key; did you mean 'Visib"],
        ),
        ('{"VisibilityTimeout": "30 s"}', [":1: VisibilityTimeout: expected a number", "'30 s'"]),
        ('{"DelaySeconds": "1", "workers": 3}', [":1: workers: unknown key"]),
    ],
)
def test_what_is_wrong_with_attributes_is_said_with_its_line(text, says, tmp_path):
    path = written(tmp_path, "config", text)
    with pytest.raises(LabError) as error:
        config.scenario(path)
    assert all(words in str(error.value) for words in says)


SAM = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Visible: {Type: Number, Default: 120}
Globals: {Function: {Timeout: 60}}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: jobs
      VisibilityTimeout: !Ref Visible
      KmsMasterKeyId: !Sub "${Key}"
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: AWS::SQS::Queue}
  Table: {Type: AWS::DynamoDB::Table}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {PASSWORD: secret}}
      Events:
        Job:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 5
            MaximumBatchWindowInSeconds: 3
            FunctionResponseTypes: [ReportBatchItemFailures]
"""


def test_a_template_of_sam_has_a_queue_and_the_function_that_empties_it(tmp_path):
    made, scenario = imported(tmp_path, ("template.yaml", SAM))
    queues = scenario.systems["sqs"].queues
    assert list(queues) == ["jobs"]
    queue = queues["jobs"]
    assert queue.visibility_timeout == 120 and queue.redrive_policy.max_receive_count == 3
    assert queue.function.batch_size == 5 and queue.function.timeout == 60
    assert queue.function.reports and queue.workers is None
    assert "Table (line 15): a resource AWS::DynamoDB::Table" in made.unsaid
    near = "did you mean 'MaximumBatchingWindowInSeconds'?"
    assert f"MaximumBatchWindowInSeconds (line 26): not known to the lab; {near}" in made.unsaid
    assert "KmsMasterKeyId (line 12): refers to what the file does not hold" in made.unsaid
    assert "secret" not in made.yaml and all_done(scenario)


def test_serverless_has_functions_with_events_and_resources(tmp_path):
    text = """\
service: s
provider: {name: aws, timeout: 20}
functions:
  work:
    handler: a.b
    reservedConcurrency: 4
    events:
      - sqs: {arn: !GetAtt [Jobs, Arn], batchSize: 2, maximumConcurrency: 3}
resources:
  Resources:
    Jobs: {Type: "AWS::SQS::Queue", Properties: {VisibilityTimeout: 90}}
"""
    _, scenario = imported(tmp_path, ("serverless.yml", text))
    function = scenario.systems["sqs"].queues["Jobs"].function
    assert (function.batch_size, function.maximum_concurrency) == (2, 3)
    assert (function.timeout, function.reserved_concurrent_executions) == (20, 4)
    assert function.memory_size == 1024 and all_done(scenario)


def test_serverless_has_batches_of_ten_of_a_stream_and_knows_dynamodbs(tmp_path):
    text = """\
service: s
provider: {name: aws, memorySize: 512}
functions:
  work:
    handler: a.b
    events:
      - stream: {arn: !GetAtt [S, Arn], type: kinesis, parallelizationFactor: 2}
      - stream: {arn: !GetAtt [T, StreamArn], type: dynamodb}
      - stream: arn:aws:dynamodb:eu-central-1:1:table/t/stream/x
resources:
  Resources:
    S: {Type: "AWS::Kinesis::Stream", Properties: {ShardCount: 2}}
"""
    made, scenario = imported(tmp_path, ("serverless.yml", text))
    applications = scenario.systems["kinesis"].applications
    assert list(applications) == ["work"]
    function = applications["work"].function
    assert (function.batch_size, function.parallelization_factor) == (10, 2)
    assert function.memory_size == 512
    assert "stream (line 8), stream (line 9): a stream of DynamoDB, not of Kinesis" in made.unsaid


def test_a_stream_and_its_mapping_become_an_application(tmp_path):
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["S", "Arn"]},
        "FunctionName": {"Ref": "F"},
        "BatchSize": 50,
        "StartingPosition": "LATEST",
    }
    resources = {
        "S": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
        "F": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 30}},
    }
    _, scenario = imported(tmp_path, ("t.json", {"Resources": resources}))
    kinesis = scenario.systems["kinesis"]
    assert kinesis.stream.shard_count == 2
    assert kinesis.applications["F"].function.batch_size == 50 and all_done(scenario)
