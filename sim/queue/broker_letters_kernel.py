"""What a queue has dead-lettered into another one, until that one takes it."""

import numpy as np

from sim.foundation.arrays import F64, I64, longer
from sim.queue import broker_codes as codes


class QueueLetters:
    """Messages on their way, in order of time."""

    def __init__(self, room: int) -> None:
        self.message: I64 = np.zeros(room, np.int64)
        """[room] which."""
        self.at_s: F64 = np.zeros(room)
        """[room] when it left, s."""
        self.reason: I64 = np.zeros(room, np.int64)
        """[room] DIED_…"""
        self.met: F64 = np.zeros((room, codes.MET))
        """[room, kinds] what it has met since it came into the first queue, s."""
        self.n = 0
        """Rows used."""
        self.stops = 0
        """1: the queue stands still until the first of them is taken."""

    def enlarge(self) -> None:
        """Have twice the room."""
        room = 2 * self.message.shape[0]
        self.message = longer(np.asarray(self.message), room, 0)
        self.at_s = longer(np.asarray(self.at_s), room, 0.0)
        self.reason = longer(np.asarray(self.reason), room, 0)
        self.met = longer(np.asarray(self.met), room, 0.0)
