"""A librdkafka consumer for `sim validate`; a program of its own, which `fleet` says how to use.

Arguments and lines are those of `brokers/kafka/RealConsumer.java`. SIGTERM: it finishes the record
in hand, and closes.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Worker:
    """What a process of a group does with each message."""

    def __init__(self, work: Path, say: Callable[[str], object]) -> None:
        """
        Args:
            work: file of `sim.validate.plan.work_lines`.
            say: writes a line.
        """
        rows = [[int(word) for word in line.split()] for line in work.read_text().splitlines()]
        self.work_s = [row[1] / 1e6 for row in rows]
        self.fails = [row[2] for row in rows]
        self.kills = [row[3] for row in rows]
        self.failed: dict[int, int] = {}
        self.say = say
        self.factor = 1.0
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: Any) -> None:
        self.stopped = True

    def await_go(self) -> str:
        """Say that it is ready, and wait; the number of the member, empty if nobody is there."""
        self.say(f"w {time.time():.6f}")
        words = sys.stdin.readline().split()
        threading.Thread(target=self._listen, daemon=True).start()
        return words[1] if len(words) == 2 else ""

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.startswith("slow "):
                self.factor = float(line.split()[1])

    def process(self, message: int, deliveries: int, partition: int, offset: int) -> bool:
        """Work on a message; False: its handler has raised."""
        started_s = time.time()
        self._sleep(self.work_s[message] * self.factor)
        if self.kills[message]:
            self.say(f"f {message} {time.time():.6f}")
            os.kill(os.getpid(), signal.SIGKILL)
        if self.failed.get(message, 0) < self.fails[message]:
            self.failed[message] = self.failed.get(message, 0) + 1
            self.say(f"f {message} {time.time():.6f}")
            return False
        self.say(f"r {message} {started_s:.6f} {time.time():.6f} {deliveries} {partition} {offset}")
        return True

    def _sleep(self, for_s: float) -> None:
        end_s = time.monotonic() + for_s
        while (left_s := end_s - time.monotonic()) > 0:
            time.sleep(left_s)


def configuration(pairs: Sequence[str], member: str) -> tuple[dict[str, str], dict[str, str]]:
    """What is the client's, and what is this program's (``lab.``)."""
    given = dict(pair.replace("{member}", member).split("=", 1) for pair in pairs)
    own = {key: value for key, value in given.items() if key.startswith("lab.")}
    return {key: value for key, value in given.items() if key not in own}, own


def _told(worker: Worker, incremental: bool, sign: str) -> Callable[[Any, Sequence[Any]], None]:
    def told(consumer: Any, partitions: Sequence[Any]) -> None:
        names = ",".join(str(partition.partition) for partition in partitions) or "none"
        worker.say(f"e {time.time():.6f} {sign} {names}")
        if incremental and sign == "+":
            consumer.incremental_assign(partitions)
        elif incremental:
            consumer.incremental_unassign(partitions)

    return told


def consume(worker: Worker, config: dict[str, str], own: dict[str, str], topic: str) -> None:
    """Read, work and commit until told to stop."""
    from confluent_kafka import Consumer

    incremental = (
        config.get("partition.assignment.strategy") == "cooperative-sticky"
        or config.get("group.protocol") == "consumer"
    )
    when, how, _ = own.get("lab.commit", "..").split(".")
    attempts = int(own.get("lab.attempts", -1))
    store = config.get("enable.auto.offset.store") == "false"
    # It says on standard error, with the time, when it sends a heartbeat.
    consumer: Any = Consumer({"debug": "cgrp", **config})
    consumer.subscribe(
        [topic], **{f"on_{on}": _told(worker, incremental, sign) for on, sign in _SIGNS.items()}
    )
    worker.say(f"e {time.time():.6f} subscribed")
    while not worker.stopped:
        record = consumer.poll(0.2)
        if record is None or record.error():
            continue
        if when == "before":
            consumer.commit(message=record, asynchronous=how == "async")
        message = int(record.value().split(maxsplit=1)[0])
        if not worker.process(message, 1, record.partition(), record.offset()):
            if attempts < 0 or worker.failed[message] < attempts:
                from confluent_kafka import TopicPartition

                place = TopicPartition(topic, record.partition(), record.offset())
                consumer.seek(place)
                time.sleep(float(own.get("lab.backoff.ms", 1000)) / 1e3)
                continue
            if own.get("lab.then") == "stop":
                break
        if when == "after":
            consumer.commit(message=record, asynchronous=how == "async")
        elif store:
            consumer.store_offsets(record)
    consumer.close()


_SIGNS = {"assign": "+", "revoke": "-", "lost": "!"}


def main() -> None:
    """Run as a program."""
    import confluent_kafka  # noqa: F401 - loaded before it says that it is ready

    path, work, topic, *pairs = sys.argv[1:]
    with Path(path).open("w", buffering=1) as log:
        worker = Worker(Path(work), lambda line: log.write(f"{line}\n"))
        if member := worker.await_go():
            config, own = configuration(pairs, member)
            consume(worker, config, own, topic)
            worker.say(f"x {time.time():.6f}")


if __name__ == "__main__":
    main()
