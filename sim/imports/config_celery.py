"""Celery's configuration in Python, read without running it.

What is written out is known: texts, numbers, their arithmetic, lists, dictionaries, and the default
of ``os.environ.get("NAME", default)``. Everything else stays unsaid. Names:
`celery/app/defaults.py` of celery/celery, whose `old` names are known too (`CELERYD_…` of workers,
`CELERY_…` of tasks), and Django's with `CELERY_` in front. The variable `CELERY_BROKER_URL` of the
environment comes before `broker_url` (`celery/app/utils.py`), and no file says what it is.
"""

import ast
import operator
from collections.abc import Iterator
from typing import Any

from sim.foundation.errors import nearest
from sim.imports.config_file import Setting, Source
from sim.imports.config_parts import CELERY, FileReading, Piece
from sim.imports.made import system_name
from sim.imports.measured import complaint

_OLD = {
    "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
    "CELERYD_WORKER_LOST_WAIT": "worker_lost_wait",
    "CELERY_DISABLE_RATE_LIMITS": "worker_disable_rate_limits",
    "CELERY_EAGER_PROPAGATES_EXCEPTIONS": "task_eager_propagates",
    "CELERY_ENABLE_REMOTE_CONTROL": "worker_enable_remote_control",
    "CELERY_MAX_CACHED_RESULTS": "result_cache_max",
    "CELERY_MESSAGE_COMPRESSION": "task_compression",
    "CELERY_REDIRECT_STDOUTS": "worker_redirect_stdouts",
    "CELERY_REDIRECT_STDOUTS_LEVEL": "worker_redirect_stdouts_level",
    "CELERY_RESULT_DBURI": "database_url",
    "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS": "database_short_lived_sessions",
    "CELERY_RESULT_DB_TABLENAMES": "database_table_names",
    "CELERY_RESULT_ENGINE_OPTIONS": "database_engine_options",
    "CELERY_SEND_EVENTS": "worker_send_task_events",
    "CELERY_SEND_TASK_SENT_EVENT": "task_send_sent_event",
    "CELERY_TASK_RESULT_EXPIRES": "result_expires",
}
"""Old names that are not today's with another beginning."""
_BROKERS = {
    "redis": "redis", "rediss": "redis", "sentinel": "redis", "valkey": "redis",
    "amqp": "rabbitmq", "amqps": "rabbitmq", "pyamqp": "rabbitmq", "sqs": "sqs",
}  # fmt: skip
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
_UNSAID = object()
_MOST_LEVELS = 32


def recognises(source: Source) -> bool:
    """Python with a setting of Celery, or an application of it."""
    if source.format != "python":
        return False
    return any(_known(setting.key) for setting in _settings(source))


def _known(key: str) -> bool:
    return CELERY.knows(key)


def read(source: Source) -> FileReading:
    """Settings as the file has them."""
    reading = FileReading("a Celery configuration")
    known: list[Setting] = []
    broker, queue = None, "celery"
    for setting in _settings(source):
        if setting.key == "broker_url" and isinstance(setting.value, str):
            broker = _BROKERS.get(setting.value.partition(":")[0])
        if setting.key == "task_default_queue" and isinstance(setting.value, str):
            queue = system_name(setting.value, queue)
        if setting.value is _UNSAID:
            if _known(setting.key):
                reading.leave(setting, "worked out when it runs, and read without running it")
        elif _known(setting.key):
            known.append(setting)
        else:
            near = nearest(setting.key, [*CELERY.reads, *CELERY.model.not_modelled])
            said = f"; did you mean {near!r}?" if near else ""
            reading.leave(setting, f"no setting of Celery{said}")
    if broker is None:
        broker = "rabbitmq"
        reading.notes.append("which broker it is: rabbitmq, Celery's default")
    system, at = ("celery",), ("celery", "queues", queue)
    beside = {system: {"broker": broker}, at: {}}
    reading.pieces.append(Piece(CELERY, ("celery", "config"), known, {}, beside))
    reading.notes.append(
        "options of single tasks, and queues other than the default one: add them below `queues`"
    )
    return reading


def _settings(source: Source) -> list[Setting]:
    """Names that the file gives a value, of its settings or of its applications' `conf`."""
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        raise complaint(source.path, "unreadable Python", line) from None
    found = {}
    for setting in _given(tree.body):
        found[setting.key] = setting
    return list(found.values())


def _given(body: list[ast.stmt]) -> Iterator[Setting]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _given(statement.body)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield _setting(target.id, statement.value)
                elif isinstance(target, ast.Attribute) and _is_conf(target.value):
                    yield _setting(target.attr, statement.value)
            if isinstance(statement.value, ast.Call):
                yield from _of_call(statement.value)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from _of_call(statement.value)


def _is_conf(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "conf"


def _of_call(call: ast.Call) -> Iterator[Setting]:
    """`Celery(broker=…)` and `app.conf.update(…)`."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else ""
    updates = (
        isinstance(function, ast.Attribute)
        and function.attr == "update"
        and _is_conf(function.value)
    )
    for keyword in call.keywords if updates or name == "Celery" else ():
        if keyword.arg == "broker":
            yield _setting("broker_url", keyword.value)
        elif keyword.arg is not None and updates:
            yield _setting(keyword.arg, keyword.value)
    for argument in call.args if updates else ():
        if isinstance(argument, ast.Dict):
            for key, value in zip(argument.keys, argument.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield _setting(key.value, value)


def _setting(name: str, node: ast.expr) -> Setting:
    return Setting(_today(name), _value(node), node.lineno, name)


def _today(name: str) -> str:
    """Today's name of a setting: an old one, and Django's, are in capitals."""
    if not name.isupper():
        return name
    if name in _OLD:
        return _OLD[name]
    for old, today in (("CELERYD_", "worker_"), ("CELERYBEAT_", "beat_")):
        if name.startswith(old):
            return today + name.removeprefix(old).lower()
    key = name.removeprefix("CELERY_").lower()
    of_task = f"task_{key}"
    return of_task if key != name.lower() and not _known(key) and _known(of_task) else key


def _value(node: ast.expr, level: int = 0) -> Any:
    """What is written out; `_UNSAID`: what is not."""
    if level > _MOST_LEVELS:
        return _UNSAID
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str | int | float | None) else _UNSAID
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, level + 1)
        return -inner if isinstance(inner, int | float) else _UNSAID
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, level + 1), _value(node.right, level + 1)
        both = isinstance(left, int | float) and isinstance(right, int | float)
        if not both or max(abs(left), abs(right)) > 1e12:
            return _UNSAID
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.List | ast.Tuple):
        items = [_value(item, level + 1) for item in node.elts]
        return _UNSAID if any(item is _UNSAID for item in items) else items
    if isinstance(node, ast.Dict):
        return _mapping(node, level)
    return _value(node.args[1], level + 1) if _is_environment(node) else _UNSAID  # type: ignore[attr-defined]


def _mapping(node: ast.Dict, level: int) -> Any:
    made = {}
    for key, value in zip(node.keys, node.values, strict=True):
        name = _value(key, level + 1) if key is not None else _UNSAID
        inner = _value(value, level + 1)
        if not isinstance(name, str) or inner is _UNSAID:
            continue
        made[name] = inner
    return made


def _is_environment(node: ast.expr) -> bool:
    """`os.environ.get("A", "b")`, `os.getenv("A", "b")`, `env("A", "b")`."""
    if not isinstance(node, ast.Call) or len(node.args) != 2:
        return False
    return ast.unparse(node.func) in (
        "os.environ.get", "environ.get", "os.getenv", "getenv", "env", "config",
    )  # fmt: skip
