"""Replays messages into a topic with librdkafka for `sim validate`; a program of its own.

Arguments: the file to write, the file of the messages, the topic, then key=value of the client's
configuration. What it reads and writes is said in `sim.validate.replay.Staging.producer`.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def body(message: int, due_s: float, size: int) -> bytes:
    """What a message carries: its number and when it was due, filled up to its size."""
    return f"{message} {due_s:.6f} ".encode().ljust(size, b".")


def main() -> None:
    """Run as a program."""
    from confluent_kafka import Producer

    path, messages, topic, *pairs = sys.argv[1:]
    rows = [line.split(",", 3) for line in Path(messages).read_text("utf-8").splitlines()]
    with Path(path).open("w", buffering=1) as log:
        producer = Producer(dict(pair.split("=", 1) for pair in pairs))
        producer.list_topics(topic, timeout=30)
        log.write(f"w {time.time():.6f}\n")
        began_s = float(sys.stdin.readline().split()[1])

        def told(message: str, sent_s: float) -> Callable[[Any, Any], None]:
            def told(error: Any, _: Any) -> None:
                name = error.name() if error else "-"
                log.write(f"a {message} {sent_s:.6f} {time.time():.6f} {name}\n")

            return told

        for message, at_s, size, key in rows:
            due_s = began_s + float(at_s)
            while (left_s := due_s - time.time()) > 0:
                if left_s < 0.0015:
                    time.sleep(left_s)
                else:
                    producer.poll(left_s - 0.001)
            value = body(int(message), due_s, int(size))
            sent_s = time.time()
            while True:
                try:
                    producer.produce(topic, value, key or None, on_delivery=told(message, sent_s))
                    break
                except BufferError:
                    producer.poll(0.01)
            producer.poll(0)
        producer.flush(120)
        log.write(f"x {time.time():.6f}\n")


if __name__ == "__main__":
    main()
