"""What each product bills of a use that is made by hand."""

import pytest

from sim.costs.amounts import amounts
from sim.costs.prices import Prices, prices
from sim.costs.use import GroupUse, Use
from sim.scenario.first_draft import Asked, draft
from sim.scenario.load import Scenario, load
from sim.scenario.products.catalogue import PRODUCTS

PER_HOUR = 3_600_000


def system(**its):
    return Scenario.from_mapping(
        {
            "name": "small",
            "duration": "100 s",
            "workload": {
                "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
                "keys": {"order": {"count": 50}},
                "service": {"job": {"per_message": "50 ms"}},
            },
            "systems": {"s": its},
        }
    ).systems["s"]


def use(hours=1.0, size=1_000.0, partitions=1, **group):
    its = {"workers": 3, "requests": {}, "sent": PER_HOUR, "reads": PER_HOUR} | group
    return Use(hours, PER_HOUR, size, partitions, (GroupUse("g", **its),))


def billed(its, of, **placement):
    at = prices().model_dump(mode="json") | {"placement": placement}
    return dict(amounts(its, of, Prices.model_validate(at)))


def sqs(**its):
    return system(product="sqs", queues={"g": {"workers": 3, "does": ["job"], **its}})


def test_sqs_bills_every_call_and_a_call_for_each_64_kib():
    calls = {"send": 400_000, "receive": 300_000, "empty receive": 900_000, "delete": 400_000}
    few = billed(sqs(), use(hours=2.0, size=10.0, requests=calls))
    assert few == {"sqs_standard_request": 1_000_000, "worker": 3}
    # 128 KiB each: two requests a message, sent and received; empty receives and deletes as called.
    large = billed(sqs(), use(size=2 * 65_536.0, requests=calls))
    assert large["sqs_standard_request"] == 2 * 2 * PER_HOUR + 900_000 + 400_000


def test_sqs_fifo_and_fair_queues_have_prices_of_their_own():
    group = {"MessageGroupId": ["order"]}
    calls = {"send": 10_000_000}
    fifo = billed(sqs(FifoQueue=True, **group), use(requests=calls))
    assert fifo == {"sqs_fifo_request": 10_000_000, "worker": 3}
    fair = billed(sqs(**group), use(requests=calls))
    both = {"sqs_standard_request": 10_000_000, "sqs_fair_surcharge": 10_000_000, "worker": 3}
    assert fair == both


def test_lambda_bills_invocations_and_memory_by_time_and_there_are_no_workers():
    queue = {"lambda": {"MemorySize": 512}, "does": ["job"], "VisibilityTimeout": 1000}
    its = system(product="sqs", queues={"g": queue})
    found = billed(its, use(workers=0, requests={"send": 7}, invocations=600, work_s=1_200.0))
    assert found["lambda_request"] == 600 and found["lambda_gb_second"] == 600.0
    assert "worker" not in found


def test_kinesis_bills_shards_put_units_of_25_kb_and_each_application_that_is_pushed_to():
    apps = {"g": {"workers": 1, "does": ["job"], "retrievalMode": "POLLING"}}
    its = system(product="kinesis", stream={"ShardCount": 4}, applications=apps)
    found = billed(its, use(size=35_000.0, partitions=4))
    assert found == {"kinesis_shard": 4, "kinesis_put": 2 * PER_HOUR, "worker": 3}
    apps["g"]["retrievalMode"] = "FANOUT"
    its = system(product="kinesis", stream={"ShardCount": 4}, applications=apps)
    found = billed(its, use(partitions=4))
    assert found["kinesis_fanout_shard"] == 4


def kafka(**topic):
    groups = {"g": {"consumers": 3, "does": ["job"]}}
    return system(product="kafka", topic={"partitions": 6, **topic}, groups=groups)


def test_kafka_bills_brokers_what_is_kept_in_all_copies_and_traffic_between_zones():
    its = kafka(**{"replication.factor": 3, "retention.ms": "2 d"})
    found = billed(its, use())
    assert found["kafka_broker"] == 3 and found["worker"] == 3
    # 3.6 GB an hour, kept for two days in three copies: 518.4 GB, an hour of 730.
    assert found["kafka_storage"] == pytest.approx(518.4 / 730)
    # Written once and read once, each time two thirds of it to another zone.
    assert found["cross_zone_traffic"] == pytest.approx(2 * 3.6 * 2 / 3)


def test_where_brokers_and_clients_are_decides_what_traffic_is_billed():
    its, of = kafka(**{"replication.factor": 3}), use()

    def gb(**placement):
        return billed(its, of, **placement)["cross_zone_traffic"]

    assert gb(zones=1) == gb(zones=1, replication_is_billed=True) == 0
    assert gb(zones=2) == pytest.approx(3.6)
    assert gb(consumers_read_near=True) == pytest.approx(3.6 * 2 / 3)
    assert gb(replication_is_billed=True) == pytest.approx(3.6 * (4 / 3 + 2))


def test_a_log_with_a_size_keeps_no_more_and_one_without_an_end_keeps_a_month():
    small = billed(kafka(**{"retention.bytes": "1 GB"}), use(partitions=6))
    assert small["kafka_storage"] == pytest.approx(6 / 730)
    assert billed(kafka(**{"retention.ms": -1}), use())["kafka_storage"] == pytest.approx(3.6)


def test_rabbitmq_is_one_small_broker_or_a_cluster_for_quorum_queues_and_streams():
    queue = {"consumers": 3, "does": ["job"]}
    one = billed(system(product="rabbitmq", queues={"g": queue}), use(), zones=1)
    assert one == {"rabbitmq_small_broker": 1, "cross_zone_traffic": 0, "worker": 3}
    queue["arguments"] = {"x-queue-type": "quorum"}
    three = billed(system(product="rabbitmq", queues={"g": queue}), use(), zones=1)
    assert three == {"rabbitmq_broker": 3, "cross_zone_traffic": 0, "worker": 3}
    groups = {"g": {"consumers": 1, "does": ["job"]}}
    its = system(product="rabbitmq_stream", stream={"x-max-age": "2D"}, groups=groups)
    stream = billed(its, use(), zones=1)
    assert stream["rabbitmq_broker"] == 3
    assert stream["broker_storage"] == pytest.approx(518.4 / 730)


def test_celery_is_billed_as_its_broker():
    def celery(broker):
        queues = {"g": {"workers": 3, "does": ["job"]}}
        its = system(product="celery", broker=broker, queues=queues)
        found = billed(its, use(size=10.0, requests={"send": 5_000_000}), zones=1)
        return {what for what in found if what not in ("worker", "cross_zone_traffic")}

    assert celery("redis") == {"redis_node"}
    assert celery("rabbitmq") == {"rabbitmq_small_broker"}
    assert celery("sqs") == {"sqs_standard_request"}


def test_bullmq_is_billed_as_its_redis():
    its = system(product="bullmq", queues={"g": {"workers": 3, "does": ["job"]}})
    found = billed(its, use(size=10.0, requests={"send": 5_000_000}), zones=1)
    assert found.keys() - {"worker", "cross_zone_traffic"} == {"redis_node"}


def test_a_queue_in_postgresql_is_billed_as_its_database():
    queue = {"workers": 3, "does": ["job"], "skip_locked": {}}
    its = system(product="postgres", queues={"g": queue})
    found = billed(its, use(size=1e3), zones=1)
    assert found == {"postgres_node": 2, "cross_zone_traffic": 0.0, "worker": 3}
    # Inserted and fetched once each, and two of three zones are others.
    spread = billed(its, use(size=1e3), zones=3)["cross_zone_traffic"]
    assert spread == pytest.approx(2 * PER_HOUR * 1e3 / 1e9 * 2 / 3)


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_product_costs_nothing_but_its_workers(product, tmp_path):
    asked = Asked("mine", [product], "50/s", "20 ms", "20s")
    (tmp_path / "mine.yaml").write_text(draft(asked))
    [its] = load(tmp_path / "mine.yaml").systems.values()
    group = GroupUse("work", 3, {"send": PER_HOUR}, PER_HOUR, PER_HOUR)
    of = Use(1.0, PER_HOUR, 1e3, 6, (group,))
    assert sum(n for what, n in billed(its, of).items() if what != "worker") > 0
    assert billed(its, of).keys() - {"worker", "cross_zone_traffic"}


def test_pub_sub_is_billed_as_in_googles_example():
    """https://cloud.google.com/pubsub/pricing: 1 MiB a second, read by two subscriptions, is 7.416
    TiB in a month of 30 days."""
    its = system(product="pubsub", subscriptions={"g": {"subscribers": 1, "does": ["job"]}})
    n = 720 * 3600
    groups = tuple(GroupUse(name, 1, {}, n, n) for name in "gh")
    found = billed(its, Use(720.0, n, 2.0**20, 1, groups))
    assert found["pubsub_throughput"] * 720 * 1e9 / 2**40 == pytest.approx(7.416, abs=0.001)
    of_a_tib = prices().prices["pubsub_throughput"].price * 2**40 / 1e9
    assert of_a_tib == pytest.approx(40.0)
