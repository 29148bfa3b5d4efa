"""The keys that each product documents, read from what its maker publishes for machines.

    python tests/tools/documented.py kafka 4.4.0 build/brokers/kafka  # a folder of its jars
    python tests/tools/documented.py celery 5.7.0                     # the installed package
    python tests/tools/documented.py river 0.43.0 ~/src/river         # a checkout, or a package

Writes `tests/data/documented/<product>.yaml`. `tests/scenario/products/test_not_modelled.py` holds
the lab to it: each key is modelled, or accepted with a reason. So for a new version of a product:
write its list again, look at the difference, and run that test, which names what is missing.

Without arguments: which products there are, and what each is read from.
"""

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).resolve().parents[1] / "data" / "documented"

Sections = Mapping[str, Iterable[str]]
"""Keys, by section of the product."""


def kafka(jars: Path) -> Sections:
    """What the classes behind https://kafka.apache.org/documentation/#configuration print."""
    classes = {
        "producer": "org.apache.kafka.clients.producer.ProducerConfig",
        "consumer": "org.apache.kafka.clients.consumer.ConsumerConfig",
        "topic": "org.apache.kafka.storage.internals.log.LogConfig",
        "group": "org.apache.kafka.coordinator.group.GroupConfig",
        "brokers": "kafka.server.KafkaConfig",
    }
    path = os.pathsep.join(map(str, jars.rglob("*.jar")))
    found = {}
    for section, name in classes.items():
        command = ["java", "-cp", path, name]
        page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found[section] = re.findall(r'^<h4><a id="([^"]+)"', page, re.M)
    return found


def librdkafka(checkout: Path) -> Sections:
    """The tables of CONFIGURATION.md."""
    rows = re.findall(
        r"^([a-z_.]+) +\| +([CP*]) +\|", (checkout / "CONFIGURATION.md").read_text(), re.M
    )
    return {
        "producer": [key for key, whose in rows if whose in "P*"],
        "consumer": [key for key, whose in rows if whose in "C*"],
    }


def aws(_: Path | None) -> Sections:
    """Service models of botocore."""
    models = importlib.import_module("botocore.loaders").Loader()

    def members(service: str, *shapes: str) -> list[str]:
        known = models.load_service_model(service, "service-2")["shapes"]
        return [key for shape in shapes for key in known[shape]["members"]]

    attributes = models.load_service_model("sqs", "service-2")["shapes"]["QueueAttributeName"]
    return {
        "sqs queue": [
            *(key for key in attributes["enum"] if key != "All"),
            *members("sqs", "CreateQueueRequest", "ReceiveMessageRequest", "SendMessageRequest"),
        ],
        "lambda function": members(
            "lambda", "CreateFunctionRequest", "PutFunctionConcurrencyRequest"
        ),
        "lambda mapping": members("lambda", "CreateEventSourceMappingRequest"),
        "lambda scaling": members("lambda", "ScalingConfig"),
        "lambda pollers": members("lambda", "ProvisionedPollerConfig"),
        "lambda destinations": members("lambda", "DestinationConfig"),
        "kinesis stream": members("kinesis", "CreateStreamInput"),
    }


def celery(_: Path | None) -> Sections:
    """Defaults of Celery and attributes of its tasks; options that kombu's transports ask for."""
    defaults = importlib.import_module("celery.app.defaults")
    task = importlib.import_module("celery.app.task")
    asked = r"""(?:transport_options|\bopts?|options)(?:\.get\(|\[)\s*['"]([\w-]+)['"]"""
    options: set[str] = set()
    for name in ("virtual.base", "redis", "SQS", "pyamqp"):
        module = importlib.import_module(f"kombu.transport.{name}")
        options |= set(re.findall(asked, inspect.getsource(module)))
        options |= set(getattr(getattr(module, "Channel", None), "from_transport_options", ()))
    # Attributes with a comment for the documentation (`#:`).
    attributes = re.findall(
        r"^    #:.*\n(?:    #.*\n)*    ([a-z]\w+)(?:: \w+)? =", inspect.getsource(task.Task), re.M
    )
    return {
        "settings": [key for key, _ in defaults.flatten(defaults.NAMESPACES)],
        "task": attributes,
        "transport options": options,
    }


def rabbitmq(checkout: Path) -> Sections:
    """Arguments that queues and consumers declare, keys of policies, and the schema of its file."""
    deps = checkout / "deps"
    source = "".join(
        path.read_text(errors="replace") for path in sorted(deps.glob("rabbit/src/*.erl"))
    )
    folder = deps / "rabbit/priv/schema"
    schema = (folder / "rabbit.schema").read_text()
    policies = re.findall(r'\{policy_validator, +<<"([a-z-]+)">>', source)
    mapping = r'^\{mapping, *"([^"]+)"'
    included = [
        f"{prefix}.{key}"
        for name, prefix in re.findall(
            r'^\{include_partial, *\{rabbit, *"(\w+)"\},\s*\[\{prefix, *"([^"]+)"', schema, re.M
        )
        for key in re.findall(mapping, (folder / f"{name}.partial").read_text(), re.M)
    ]
    return {
        "arguments": [
            *re.findall(r'\{<<"(x-[a-z-]+)">>, +fun check_', source),
            *(
                key
                for listed in re.findall(
                    r"(?:queue|consumer)_arguments => *\[(.*?)\]", source, re.S
                )
                for key in re.findall(r'<<"(x-[a-z-]+)">>', listed)
            ),
        ],
        "policies": [key for key in policies if key != "alternate-exchange"],
        "policies of exchanges": ["alternate-exchange"],
        "rabbitmq.conf": [*re.findall(mapping, schema, re.M), *included],
    }


def keda(checkout: Path) -> Sections:
    """Parameters of scalers, and the custom resource of a ScaledObject."""
    schema = json.loads((checkout / "schema/generated/scalers-schema.json").read_text())
    scalers = {one["type"]: [key["name"] for key in one["parameters"]] for one in schema["scalers"]}
    resource = yaml((checkout / "config/crd/bases/keda.sh_scaledobjects.yaml").read_text())
    spec = resource["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    wanted = ("apache-kafka", "kafka", "aws-sqs-queue", "rabbitmq", "redis", "redis-streams",
              "gcp-pubsub", "postgresql", "aws-kinesis-stream")  # fmt: skip
    behaviour = spec["properties"]["advanced"]["properties"]["horizontalPodAutoscalerConfig"]
    rules = behaviour["properties"]["behavior"]["properties"]
    return {
        "ScaledObject": spec["properties"],
        "advanced": spec["properties"]["advanced"]["properties"],
        "horizontalPodAutoscalerConfig": behaviour["properties"],
        "behavior": rules,
        "scaleDown": rules["scaleDown"]["properties"],
        **{f"scaler {name}": scalers[name] for name in wanted if name in scalers},
    }


def yaml(text: str) -> Any:
    """YAML as plain data."""
    return importlib.import_module("ruamel.yaml").YAML(typ="safe", pure=True).load(text)


def _installed(package: str) -> Path:
    """Where a package is, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


def pubsub(_: Path | None) -> Sections:
    """Google's discovery document; classes of the Python client's `types`."""
    documents = _installed("googleapiclient") / "discovery_cache" / "documents"
    schemas = json.loads((documents / "pubsub.v1.json").read_text())["schemas"]
    types = _installed("google.cloud.pubsub_v1") / "types.py"
    classes = {
        node.name: [
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        for node in ast.walk(ast.parse(types.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    return {
        "subscription": schemas["Subscription"]["properties"],
        "topic": schemas["Topic"]["properties"],
        "dead letters": schemas["DeadLetterPolicy"]["properties"],
        "retries": schemas["RetryPolicy"]["properties"],
        "flow control": classes["FlowControl"],
        "publisher": [*classes["BatchSettings"], *classes["PublisherOptions"]],
    }


def _interface(text: str, *names: str) -> list[str]:
    """Members of TypeScript interfaces, without those of objects in them."""
    found = []
    for name in names:
        body = re.search(rf"(?:interface|type) {name}\b[^{{]*\{{(.*?)^\s*\}}", text, re.S | re.M)
        assert body, name
        indents = re.findall(r"^( +)\w+\??:", body[1], re.M)
        found += re.findall(rf"^{min(indents, key=len)}(\w+)\??:", body[1], re.M)
    return found


def bullmq(package: Path) -> Sections:
    """Its interfaces in TypeScript."""
    text = "".join(path.read_text() for path in sorted(package.glob("dist/esm/interfaces/*.d.ts")))
    classes = "".join(path.read_text() for path in sorted(package.glob("dist/esm/*/*.d.ts")))
    return {
        "worker": _interface(text, "WorkerOptions", "QueueBaseOptions", "SandboxedOptions"),
        "limiter": _interface(text, "RateLimiterOptions"),
        "job": _interface(classes, "DefaultJobOptions", "BaseJobOptions"),
        "backoff": _interface(text, "BackoffOptions"),
    }


def pgboss(checkout: Path) -> Sections:
    """Its types: what `new PgBoss()`, `createQueue()`, `work()` and `send()` take."""
    text = (checkout / "src/types.ts").read_text()
    found = _interface(
        text, "ConstructorOptions", "DatabaseOptions", "SchedulingOptions", "MaintenanceOptions",
        "BackendOptions", "QueueOptions", "Queue", "JobOptions", "JobPollingOptions",
        "JobFetchOptions", "WorkConcurrencyOptions",
    )  # fmt: skip
    return {"options": [key for key in found if not key.startswith("__test__")]}


def river(checkout: Path) -> Sections:
    """`Config` of its client, and what a job is inserted with."""
    text = (checkout / "client.go").read_text() + (checkout / "insert_opts.go").read_text()
    found = []
    for name in ("Config", "QueueConfig", "InsertOpts"):
        body = re.search(rf"^type {name} struct \{{\n(.*?)^\}}", text, re.S | re.M)
        assert body, name
        found += re.findall(r"^\t([A-Z]\w*) +\S", body[1], re.M)
    return {"options": found}


def graphile(checkout: Path) -> Sections:
    """`worker` of a preset, and what a job is added with."""
    text = (checkout / "src/index.ts").read_text() + (checkout / "src/interfaces.ts").read_text()
    return {"options": _interface(text, "WorkerOptions", "TaskSpec")}


def nats(checkout: Path) -> Sections:
    """Members of a stream's configuration and of a consumer's, as the API writes them."""
    found = {}
    for section, file, name in (
        ("stream", "stream.go", "StreamConfig"),
        ("consumer", "consumer.go", "ConsumerConfig"),
    ):
        text = (checkout / "server" / file).read_text()
        body = re.search(rf"^type {name} struct \{{\n(.*?)^\}}", text, re.S | re.M)
        assert body, name
        found[section] = re.findall(r'`json:"(\w+)', body[1])
    return found


def oban(checkout: Path) -> Sections:
    """Options of Oban, of its queues and workers, and of Lifeline, as its documents list them."""
    text = "".join(
        (checkout / "lib/oban" / name).read_text()
        for name in ("../oban.ex", "worker.ex", "plugins/lifeline.ex", "stager.ex")
    )
    return {"options": re.findall(r"^ +\* `:(\w+)` +[-—]", text, re.M)}


def solidqueue(checkout: Path) -> Sections:
    """Settings of workers, dispatchers and schedulers, and of the application, in its README."""
    text = (checkout / "README.md").read_text().partition("## Lifecycle hooks")[0]
    return {"options": re.findall(r"^- `([a-z_]+)`: ", text, re.M)}


def pgmq(checkout: Path) -> Sections:
    """Arguments of its functions."""
    text = (checkout / "pgmq-extension/sql/pgmq.sql").read_text()
    calls = r"FUNCTION pgmq\.(?:send|read|read_with_poll|pop|set_vt)\((.*?)\)\s*RETURNS"
    arguments = " ".join(re.findall(calls, text, re.S))
    return {"options": re.findall(r"(\w+) (?:TEXT|INTEGER|JSONB|BIGINT|TIMESTAMP)\b", arguments)}


def kinesis(checkout: Path) -> Sections:
    """Properties of the producer library's sample."""
    sample = checkout / "java/amazon-kinesis-producer-sample/default_config.properties"
    found = re.findall(r"^#? ?([A-Z]\w+) ?=", sample.read_text(), re.M)
    return {"producer": [key for key in found if key != "Default"]}


def kcl(checkout: Path) -> Sections:
    """Fields of the consumer library's multilingual daemon, by the names of its properties."""
    beans = ("MultiLangDaemonConfiguration", "PollingConfigBean", "FanoutConfigBean")
    text = "".join(path.read_text() for bean in beans for path in checkout.rglob(f"{bean}.java"))
    fields = r"^ +private (?:[\w<>.]+) (\w+)(?: =.*)?;"
    return {"application": re.findall(fields, text, re.M)}


def spring(checkout: Path) -> Sections:
    """Members of `@RetryableTopic` and `@BackOff` of spring-kafka."""
    found = {}
    for section, name in (("topics", "RetryableTopic"), ("backoff", "BackOff")):
        sources = [*checkout.rglob(f"annotation/{name}.java")]
        text = sources[0].read_text() if sources else ""
        found[section] = re.findall(r"^\t[\w.<>\[\]? ]+ (\w+)\(\)", text, re.M)
    return found


SOURCES: Mapping[str, tuple[Callable[[Any], Sections], str]] = {
    "aws": (aws, "botocore, installed (validate.lock)"),
    "bullmq": (bullmq, "the package of npm, unpacked"),
    "celery": (celery, "celery and kombu, installed (validate.lock)"),
    "graphile": (graphile, "https://github.com/graphile/worker"),
    "kafka": (kafka, "jars of Apache Kafka, in build/brokers/kafka after make brokers"),
    "kcl": (kcl, "https://github.com/awslabs/amazon-kinesis-client"),
    "keda": (keda, "https://github.com/kedacore/keda"),
    "kinesis": (kinesis, "https://github.com/awslabs/amazon-kinesis-producer"),
    "librdkafka": (librdkafka, "https://github.com/confluentinc/librdkafka"),
    "nats": (nats, "https://github.com/nats-io/nats-server"),
    "oban": (oban, "https://github.com/oban-bg/oban"),
    "pgmq": (pgmq, "https://github.com/pgmq/pgmq"),
    "pgboss": (pgboss, "https://github.com/timgit/pg-boss"),
    "pubsub": (pubsub, "google-cloud-pubsub and google-api-python-client, installed"),
    "rabbitmq": (rabbitmq, "https://github.com/rabbitmq/rabbitmq-server"),
    "river": (river, "https://github.com/riverqueue/river"),
    "solidqueue": (solidqueue, "https://github.com/rails/solid_queue"),
    "spring": (spring, "https://github.com/spring-projects/spring-kafka"),
}
"""How the keys of each product are found, and in what."""


def read(product: str, where: Path | None = None) -> dict[str, list[str]]:
    """Keys of a product by section, sorted."""
    return {section: sorted(set(keys)) for section, keys in SOURCES[product][0](where).items()}


def kept(product: str) -> dict[str, list[str]]:
    """The list that is kept of a product."""
    keys = yaml((KEPT / f"{product}.yaml").read_text())["keys"]
    return {section: text.split() for section, text in keys.items()}


def written(version: str, source: str, keys: Mapping[str, Iterable[str]]) -> str:
    """A list as it is kept."""
    lines = [f"version: {version}", f"source: {source}", "keys:"]
    for section, names in keys.items():
        lines.append(f"  {section}: >-")
        indent = " " * 4
        lines += textwrap.wrap(
            " ".join(names), 100, initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> int:
    if len(sys.argv) < 3:
        for product, (_, source) in SOURCES.items():
            print(f"{product:12} {source}")
        print("documented.py PRODUCT VERSION [FOLDER]")
        return 2
    product, version, *folder = sys.argv[1:]
    keys = read(product, Path(folder[0]) if folder else None)
    KEPT.mkdir(exist_ok=True)
    to = KEPT / f"{product}.yaml"
    before = {key for names in kept(product).values() for key in names} if to.exists() else set()
    to.write_text(written(version, SOURCES[product][1], keys))
    now = {key for names in keys.values() for key in names}
    print(f"{product} {version}: {len(now)} keys")
    if before:
        print("new:", *sorted(now - before))
        print("gone:", *sorted(before - now))
    return 0


if __name__ == "__main__":
    sys.exit(main())
