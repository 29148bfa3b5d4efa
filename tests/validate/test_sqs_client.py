"""The client sees errors at once, and asks the server that it is given."""

from types import SimpleNamespace

from helpers.fake_brokers import fresh


def test_it_asks_this_server_and_never_again(monkeypatch):
    asked = []
    packages = {
        "boto3": {"client": lambda service, **given: asked.append((service, given)) or "client"},
        "botocore": {},
        "botocore.config": {"Config": lambda **given: SimpleNamespace(**given)},
    }
    module = fresh(monkeypatch, "sqs_client", packages)
    assert module.client("http://127.0.0.1:1", 3) == "client"
    ((service, given),) = asked
    assert (service, given["endpoint_url"]) == ("sqs", "http://127.0.0.1:1")
    assert given["config"].retries == {"max_attempts": 0}
    assert given["config"].max_pool_connections == 3
