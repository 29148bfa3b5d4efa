"""A real client that publishes: `python -m sim.validate.nats_publisher SPEC.json MESSAGES LOG`.

The spec has ``server`` (a URL) and ``subject``. Each message is published at its time, whether
those before it are acknowledged or not.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import nats

from sim.validate.sender import Sending


async def publish(spec: dict[str, Any], sending: Sending) -> None:
    """Publish everything, and wait until all of it is stored.

    Args:
        spec: see the module.
        sending: has the messages and their times.
    """
    client = await nats.connect(spec["server"])
    stream = client.jetstream()
    due_s = await asyncio.to_thread(sending.wait_for_go)

    async def one(message: int) -> None:
        await stream.publish(spec["subject"], sending.body(message))
        sending.acknowledged(message)

    under_way = set()
    for message, at_s in enumerate(due_s):
        await asyncio.sleep(max(0.0, at_s - time.time()))
        sending.sent(message)
        call = asyncio.create_task(one(message))
        under_way.add(call)
        call.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    sending.ends()
    await client.close()


if __name__ == "__main__":
    asyncio.run(
        publish(
            json.loads(Path(sys.argv[1]).read_text()), Sending(Path(sys.argv[2]), Path(sys.argv[3]))
        )
    )
