"""What a process of librdkafka does with each message."""

import time

from sim.validate.rdkafka_consumer import Worker, configuration


def test_a_message_fails_as_often_as_it_is_to(tmp_path):
    work = tmp_path / "work"
    work.write_text("0 1000 0 0\n1 0 2 0\n")
    said = []
    worker = Worker(work, said.append)
    began = time.monotonic()
    assert worker.process(0, 1, 4, 7)
    assert time.monotonic() - began >= 0.001
    assert [worker.process(1, n, 0, 8) for n in (1, 2, 3)] == [False, False, True]
    assert [line.split()[:2] for line in said] == [["r", "0"], ["f", "1"], ["f", "1"], ["r", "1"]]
    assert said[0].split()[4:] == ["1", "4", "7"]


def test_the_programs_own_keys_are_not_the_clients():
    client, own = configuration(["a=1", "group.instance.id=s-{member}", "lab.then=skip"], "3")
    assert client == {"a": "1", "group.instance.id": "s-3"}
    assert own == {"lab.then": "skip"}
