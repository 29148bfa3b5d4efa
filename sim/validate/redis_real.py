"""Redis, as a broker of Celery."""

import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.validate import celery_real
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.real import BrokerMissingError, Calibration
from sim.validate.redis_server import RedisServer


class RedisReal:
    """A server, started here or elsewhere, and a Celery application on it."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a server without a password; None: one is started.

        Raises:
            BrokerMissingError: the server, Celery or redis-py is not installed.
        """
        self.versions: Mapping[str, str] = celery_real.versions()
        try:
            import redis
        except ImportError:
            raise BrokerMissingError("redis is not installed: `make brokers`") from None
        self._folder = TemporaryDirectory(prefix="sim-redis-")
        self.server = RedisServer(Path(self._folder.name)) if address is None else None
        self._address = address
        self.versions = {**self.versions, "redis-py": redis.__version__}
        self._numbers = count()

    def __enter__(self) -> "RedisReal":
        if self.server is not None:
            self.server.start()
        try:
            import redis

            found = redis.Redis.from_url(self.url).info("server")["redis_version"]
            self.versions = {"Redis": str(found), **self.versions}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://{self._address if self.server is None else self.server.address}/0"

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of the system's configuration the real one does not have."""
        return celery_real.unmapped(plan)

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it with queues of its own, in a database that is emptied first."""
        self._empty()
        return celery_real.run(plan, folder, self.url, self._tag(), self.server)

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure calls and work of an idle application."""
        self._empty()
        return celery_real.calibrate(plan, folder, self.url, self._tag())

    def _tag(self) -> str:
        return f"lab-{int(time.time())}-{next(self._numbers)}"

    def _empty(self) -> None:
        """kombu keeps unacknowledged messages of all queues of a database under one name: those of
        an earlier run would come back. Only of a server that was started here."""
        if self.server is not None:
            import redis

            redis.Redis.from_url(self.url).flushdb()
