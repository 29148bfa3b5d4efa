"""Terraform's queues, streams and mappings, by python-hcl2."""

import pytest

from helpers.configs import all_done, imported
from sim.foundation.errors import LabError

pytest.importorskip("hcl2")

TF = """\
variable "wait" { default = 20 }

resource "aws_sqs_queue" "dead" { name = "jobs-dead" }

resource "aws_sqs_queue" "jobs" {
  name                       = "jobs"
  visibility_timeout_seconds = 90
  receive_wait_time_seconds  = var.wait
  kms_master_key_id          = aws_kms_key.k.id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_lambda_function" "work" {
  timeout = 60
  environment { variables = { PASSWORD = "secret" } }
}

resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = aws_lambda_function.work.arn
  batch_size       = 4
  scaling_config { maximum_concurrency = 7 }
}
"""


def test_a_queue_its_dead_letters_and_its_function(tmp_path):
    made, scenario = imported(tmp_path, ("main.tf", TF))
    queues = scenario.systems["sqs"].queues
    assert list(queues) == ["jobs"]
    queue = queues["jobs"]
    assert queue.visibility_timeout == 90 and queue.receive_message_wait_time_seconds == 20
    assert queue.redrive_policy.max_receive_count == 5
    function = queue.function
    assert (function.batch_size, function.timeout, function.capped) == (4, 60, 7)
    assert "kms_master_key_id (line 9): refers to what the file does not hold" in made.unsaid
    assert "secret" not in made.yaml and all_done(scenario)


def test_what_is_no_hcl_is_said_with_its_line(tmp_path):
    with pytest.raises(LabError, match="unreadable HCL"):
        imported(tmp_path, ("main.tf", 'resource "a" {\n  = 1\n}\n'))
