"""A real subscriber of NATS JetStream: `python -m sim.validate.nats_subscriber SPEC.json WORK LOG`.

The spec has ``server`` (a URL), ``stream``, ``consumer``, ``ahead`` (whether it asks for more while
it works, as `Consume` of nats.go does), ``most`` (messages that it has asked for and not taken up),
``expires_s`` (of what it asks), ``acks``, ``on_failure`` (nak, none, term) and ``nak_delay_s``.
nats.py has no `Consume`, so it asks by itself: https://docs.nats.io/reference/reference-protocols/
nats_api_reference, `$JS.API.CONSUMER.MSG.NEXT`. SIGTERM ends it after the message in hand.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import nats

from sim.validate.handler import FailedError, Handler

_OVER = "408"
"""Status of a request that has expired; what of it was not sent is in a header."""


class NatsSubscriber:
    """Asks for messages, and works on one after the other."""

    def __init__(self, spec: dict[str, Any], handler: Handler) -> None:
        """
        Args:
            spec: see the module.
            handler: does the work.
        """
        self.spec = spec
        self.handler = handler
        self.asked = 0
        """Messages that it has asked for and not taken up."""
        self.come: asyncio.Queue[Any] = asyncio.Queue()
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM."""
        self.handler.wait_for_go()
        self.client = await nats.connect(self.spec["server"])
        self.inbox = self.client.new_inbox()
        await self.client.subscribe(self.inbox, cb=self.come.put)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stopping.set)
        await self._ask()
        await self.client.flush()
        self.handler.say("e", "subscribed")
        while (message := await self._next()) is not None:
            await self._take_up(message)
        self.handler.say("x")
        await self.client.close()

    async def _next(self) -> Any:
        """What has come, or comes; None: it is to stop."""
        wakes = [asyncio.create_task(each) for each in (self.come.get(), self.stopping.wait())]
        await asyncio.wait(wakes, return_when=asyncio.FIRST_COMPLETED)
        for wake in wakes:
            wake.cancel()
        return None if self.stopping.is_set() else wakes[0].result()

    async def _take_up(self, message: Any) -> None:
        status = (message.headers or {}).get("Status")
        if status is not None:
            left = self.asked if status != _OVER else 0
            self.asked -= int(message.headers.get("Nats-Pending-Messages", left))
            await self._ask()
            return
        self.asked -= 1
        if self.spec["ahead"]:
            await self._ask()
        await self._work_on(message)
        if not self.spec["ahead"]:
            await self._ask()

    async def _ask(self) -> None:
        """For as many as were taken up, once that is half of them."""
        most = self.spec["most"]
        if self.asked > most // 2:
            return
        wanted = {"batch": most - self.asked, "expires": round(1e9 * self.spec["expires_s"])}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.spec['stream']}.{self.spec['consumer']}"
        self.asked = most
        await self.client.publish(subject, json.dumps(wanted).encode(), reply=self.inbox)

    async def _work_on(self, message: Any) -> None:
        deliveries = message.metadata.num_delivered
        try:
            await asyncio.to_thread(self.handler.do, int(message.data), deliveries)
        except FailedError:
            if self.spec["acks"] and self.spec["on_failure"] == "nak":
                await message.nak(delay=self.spec["nak_delay_s"] or None)
            elif self.spec["acks"] and self.spec["on_failure"] == "term":
                await message.term()
            return
        if self.spec["acks"]:
            await message.ack()


async def _main(spec: dict[str, Any], handler: Handler) -> None:
    await NatsSubscriber(spec, handler).run()


if __name__ == "__main__":
    asyncio.run(
        _main(
            json.loads(Path(sys.argv[1]).read_text()), Handler(Path(sys.argv[2]), Path(sys.argv[3]))
        )
    )
