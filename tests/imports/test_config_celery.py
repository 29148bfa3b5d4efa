"""Celery's configuration, read without running it."""

from helpers.configs import all_done, imported

TEXT = """\
import os
raise SystemExit("it was run")
broker_url = os.environ.get("BROKER", "redis://:secret@redis/0")
broker_transport_options = {"visibility_timeout": 60 * 120, "sentinel_kwargs": {"p": "secret"}}
worker_prefetch_multiplier = 1
CELERY_TASK_ACKS_LATE = True
worker_concurrency = len(os.sched_getaffinity(0))
task_default_queue = "mail"
worker_prefetch_multiplyer = 3
"""


def test_settings_are_known_by_what_is_written_out(tmp_path):
    made, scenario = imported(tmp_path, ("celeryconfig.py", TEXT))
    celery = scenario.systems["celery"]
    assert celery.broker == "redis" and list(celery.queues) == ["mail"]
    settings = celery.config
    assert settings.broker_transport_options.visibility_timeout == 7200
    assert settings.worker_prefetch_multiplier == 1 and settings.task_acks_late
    assert "worker_concurrency (line 7): worked out when it runs" in " ".join(made.unsaid)
    assert (
        "worker_prefetch_multiplyer (line 9): no setting of Celery; did you mean "
        "'worker_prefetch_multiplier'?" in made.unsaid
    )
    assert "secret" not in made.yaml + made.said + " ".join(made.unsaid)
    assert not scenario.warnings and all_done(scenario)


def test_an_application_in_python_has_its_settings_in_conf(tmp_path):
    text = (
        'app = Celery("a", broker="amqp://u:secret@h")\napp.conf.update({"task_acks_late": True}, '
        "worker_concurrency=2)\napp.conf.worker_prefetch_multiplier = 2\n"
    )
    made, scenario = imported(tmp_path, ("tasks.py", text))
    settings = scenario.systems["celery"].config
    assert scenario.systems["celery"].broker == "rabbitmq" and settings.task_acks_late
    assert (settings.worker_concurrency, settings.worker_prefetch_multiplier) == (2, 2)
    assert "secret" not in made.yaml


def test_old_names_are_known(tmp_path):
    text = (
        "CELERYD_CONCURRENCY = 3\nCELERYD_PREFETCH_MULTIPLIER = 2\nCELERY_ACKS_LATE = True\n"
        "CELERY_REJECT_ON_WORKER_LOST = True\nCELERY_DEFAULT_QUEUE = 'mail'\n"
        "CELERYD_TASK_TIME_LIMIT = 60\nBROKER_URL = 'redis://r'\nCELERYD_CONCURENCY = 4\n"
    )
    made, scenario = imported(tmp_path, ("settings.py", text))
    celery = scenario.systems["celery"]
    settings = celery.config
    assert celery.broker == "redis" and list(celery.queues) == ["mail"]
    assert (settings.worker_concurrency, settings.worker_prefetch_multiplier) == (3, 2)
    assert settings.task_acks_late and settings.task_reject_on_worker_lost
    wrong = "CELERYD_CONCURENCY (line 8): no setting of Celery; did you mean 'worker_concurrency'?"
    assert [line for line in made.unsaid if "no setting of Celery" in line] == [wrong]
