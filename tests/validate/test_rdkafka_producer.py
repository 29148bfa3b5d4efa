"""What a replayed record carries."""

from sim.validate.rdkafka_producer import body


def test_a_record_begins_with_its_number_and_has_the_size_that_it_is_to_have():
    assert body(17, 1.5, 30) == b"17 1.500000 " + b"." * 18
    assert body(17, 1.5, 4) == b"17 1.500000 "
