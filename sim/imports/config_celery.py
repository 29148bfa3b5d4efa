"""Celery's configuration in Python, read without running it.

What is written out is known: texts, numbers, their arithmetic, lists, dictionaries, and the default
of ``os.environ.get("NAME", default)``. Everything else stays unsaid. Names:
`celery/app/defaults.py` of celery/celery, whose `old` names are known too, and
Django's with `CELERY_` in front.
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
    "CELERYD_PREFETCH_MULTIPLIER": "worker_prefetch_multiplier",
    "CELERYD_CONCURRENCY": "worker_concurrency",
    "CELERY_ACKS_LATE": "task_acks_late",
    "CELERY_QUEUES": "task_queues",
    "CELERY_DEFAULT_QUEUE": "task_default_queue",
}
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
    key = _OLD.get(name, name)
    if key == name and name.isupper():
        key = name.removeprefix("CELERY_").lower()
    return Setting(key, _value(node), node.lineno, name)


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
