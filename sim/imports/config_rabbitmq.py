"""RabbitMQ's `definitions.json`: queues with their arguments, and the policies that apply to them.

https://www.rabbitmq.com/docs/definitions and …/policies: of the policies whose pattern matches a
queue, the one of the highest priority applies, and an operator policy besides. As rabbitmq-server
has it (3.13.7 and 4.3, `deps/rabbit/src`):

- A policy with a key that the queue's type does not support does not apply at all, whatever else it
  says (`rabbit_queue_type:is_policy_applicable`, `unsupported_policies` of `rabbit_classic_queue`
  and `rabbit_quorum_queue`).
- Where an operator policy says the same as a policy, the smaller number counts, and the operator's
  word where it is no number (`rabbit_policies:merge_policy_value`).
- Where an argument says the same as a policy, the smaller number counts, and the argument for the
  rest; but the policy for `overflow` of a quorum queue (`args_policy_lookup` in
  `rabbit_queue_type_util`, called by `rabbit_amqqueue_process:process_args_policy` and
  `rabbit_quorum_queue:gather_init_config`).
- Of two delivery limits, one below 0 (none) gives way (from 4.0).

Assumed: of two policies of the same priority, the first of the file applies. RabbitMQ sorts them by
priority alone (`rabbit_policy:priority_comparator`).
"""

import re
from collections.abc import Mapping
from typing import Any

from sim.imports.config_file import Setting, Source, Tree
from sim.imports.config_parts import ARGUMENTS, NO_EFFECT, FileReading, Piece
from sim.imports.made import system_name
from sim.scenario.products.rabbitmq import RabbitmqQueueArguments

_SMALLER = {
    "x-delivery-limit", "x-expires", "x-max-length", "x-max-length-bytes", "x-message-ttl",
    "x-consumer-timeout", "x-delayed-retry-min", "x-delayed-retry-max",
}  # fmt: skip
_APPLIES = {
    "all": ("classic", "quorum", "stream"),
    "queues": ("classic", "quorum", "stream"),
    "classic_queues": ("classic",),
    "quorum_queues": ("quorum",),
    "streams": ("stream",),
}
_QUEUE_KEYS = ("name", "vhost", "arguments", "durable", "auto_delete", "type", "exclusive")
_UNSUPPORTED = {
    "classic": {
        "max-age", "stream-max-segment-size-bytes", "initial-cluster-size", "delivery-limit",
        "dead-letter-strategy", "max-in-memory-length", "max-in-memory-bytes", "target-group-size",
    },
    "quorum": {
        "max-priority", "queue-mode", "ha-mode", "ha-params", "ha-sync-mode",
        "ha-promote-on-shutdown", "ha-promote-on-failure", "queue-master-locator", "max-age",
        "stream-max-segment-size-bytes", "initial-cluster-size",
    },
}  # fmt: skip
"""Keys with which a policy does not apply to a queue of that type."""
_MOST_PATTERN = 200


def recognises(source: Source) -> bool:
    """Queues, and a broker's version or virtual hosts."""
    if source.format != "json":
        return False
    data = source.trees[0].data if source.trees else None
    if not isinstance(data, dict) or not isinstance(data.get("queues"), list):
        return False
    return bool(
        {"rabbit_version", "rabbitmq_version", "vhosts", "exchanges", "bindings"} & set(data)
    )


def read(source: Source) -> FileReading:
    """Queues with their effective arguments."""
    (tree,) = source.trees
    reading = FileReading("RabbitMQ's definitions")
    dead = set()
    for i, queue in enumerate(tree.at("queues")):
        if not isinstance(queue, dict) or not isinstance(queue.get("name"), str):
            continue
        settings = _arguments(tree, i, queue, reading)
        kind = next((s.value for s in settings if s.key == "x-queue-type"), "classic")
        if kind == "stream":
            reading.leave(
                Setting(queue["name"], None, tree.line("queues", i)),
                "a stream: `product: rabbitmq_stream` is a system of its own",
            )
            continue
        dead |= {s.value for s in settings if s.key == "x-dead-letter-exchange"}
        at = ("rabbitmq", "queues", system_name(queue["name"], f"queue-{i}"))
        reading.pieces.append(Piece(ARGUMENTS, (*at, "arguments"), settings, {}, {at: {}}))
    _bind(tree, reading, dead)
    version = tree.at("rabbit_version") or tree.at("rabbitmq_version")
    if isinstance(version, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", version) and reading.pieces:
        beside = dict(reading.pieces[0].beside)
        beside[("rabbitmq",)] = {"version": version}
        reading.pieces[0].beside = beside
    listed = [key for key in ("users", "permissions", "topic_permissions") if tree.at(key)]
    for key in listed:
        reading.leave(Setting(key, None, tree.line(key)), "who may do what; not taken over")
    reading.notes.append(
        "how queues are bound to where messages are published: each gets every message"
    )
    return reading


def _arguments(tree: Tree, i: int, queue: Mapping[str, Any], reading: FileReading) -> list[Setting]:
    """Arguments of a queue, and what policies make of them."""
    found = {s.key: s for s in tree.settings("queues", i, "arguments")}
    for setting in tree.settings("queues", i):
        if setting.key not in _QUEUE_KEYS:
            reading.leave(setting, NO_EFFECT)
    if "x-queue-type" not in found and queue.get("type") in ("classic", "quorum", "stream"):
        found["x-queue-type"] = Setting(
            "x-queue-type", queue["type"], tree.line("queues", i), "type"
        )
    kind = found["x-queue-type"].value if "x-queue-type" in found else "classic"
    said: set[str] = set()
    for which in ("policies", "operator_policies"):
        at = _policy(tree, which, queue, str(kind), reading)
        if at is None:
            continue
        name = str(tree.at(*at, "name"))
        for setting in tree.settings(*at, "definition"):
            # Of a policy and an operator policy, the operator's comes first; of an argument and a
            # policy, the argument, but for the overflow and the delayed retries of a quorum queue.
            key = f"x-{setting.key}"
            if kind != "quorum" and key.startswith("x-delayed-retry-"):
                reading.leave(setting, f"of quorum queues, without effect on {queue['name']}")
                continue
            over = which == "operator_policies" and key in said
            wins = over or (kind == "quorum" and key in ("x-overflow", "x-delayed-retry-type"))
            if _apply(setting, found, name, wins, reading):
                said.add(key)
    return list(found.values())


def _policy(
    tree: Tree, which: str, queue: Mapping[str, Any], kind: str, reading: FileReading
) -> tuple[str, int] | None:
    """The policy that applies to a queue: of those that match, that of the highest priority."""
    matching = [
        (policy.get("priority") or 0, -i)
        for i, policy in enumerate(tree.at(which) or ())
        if isinstance(policy, dict)
        and policy.get("vhost", "/") == queue.get("vhost", "/")
        and kind in _APPLIES.get(str(policy.get("apply-to", "all")), ())
        and _matches(str(policy.get("pattern", "")), queue["name"])
        and _supported(tree, (which, i), kind, queue["name"], reading)
    ]
    return (which, -max(matching)[1]) if matching else None


def _matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; one that is too long, or is no pattern, fits none."""
    if len(pattern) > _MOST_PATTERN:
        return False
    try:
        return re.search(pattern, name[:255]) is not None
    except (re.error, RecursionError):
        return False


def _supported(
    tree: Tree, at: tuple[str, int], kind: str, queue: str, reading: FileReading
) -> bool:
    """Whether a policy has no key that queues of that type do not support."""
    refused = [s for s in tree.settings(*at, "definition") if s.key in _UNSUPPORTED.get(kind, ())]
    for setting in refused:
        reading.leave(
            setting,
            f"with it the policy {tree.at(*at, 'name')} does not apply to the {kind} queue {queue}",
        )
    return not refused


def _apply(
    setting: Setting, found: dict[str, Setting], policy: str, wins: bool, reading: FileReading
) -> bool:
    """Let a policy say what it has to say; true: it is in force."""
    key = f"x-{setting.key}"
    mine = setting._replace(key=key, said=setting.key)
    known = key in ARGUMENTS.reads or key in RabbitmqQueueArguments.not_modelled
    if not known:
        reading.leave(setting, "of policies, without effect in the lab")
        return False
    if key not in found or (wins and key not in _SMALLER):
        found[key] = mine
        return True
    if key in _SMALLER:
        both = [one.value for one in (found[key], mine)]
        if all(isinstance(value, int) for value in both):
            smaller = max(both) if key == "x-delivery-limit" and min(both) < 0 else min(both)
            if smaller != found[key].value:
                found[key] = mine
                return True
    else:
        reading.leave(setting, f"of the policy {policy}; the queue's own argument comes first")
    return False


def _bind(tree: Tree, reading: FileReading, dead: set[Any]) -> None:
    """Give queues bound to a dead-letter exchange what is dead-lettered; nobody reads them."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for binding in tree.at("bindings") or ():
        if isinstance(binding, dict) and binding.get("source") in dead:
            its = {"source": binding["source"], "routing_key": str(binding.get("routing_key", ""))}
            bindings.setdefault(str(binding.get("destination")), []).append(its)
    names = {system_name(name, name): its for name, its in bindings.items()}
    for piece in reading.pieces:
        at = piece.at[:-1]
        if at[-1] in names:
            piece.beside = {at: {"consumers": 0, "does": [], "bindings": names[at[-1]]}}
            reading.notes.append(
                f"who reads {at[-1]}, where dead letters go: nobody, until you give it consumers"
            )
