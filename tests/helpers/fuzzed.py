"""Commands that nobody would give, with files that nobody would write: a seed makes one of each."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from helpers.any_scenario import any_scenario
from helpers.exports import EXPORTS
from helpers.forked import Attempt
from helpers.scenario_files import GOOD, HERE
from helpers.schedules import replay
from sim.foundation.config import child, names
from sim.scenario.load import Scenario

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
CASES = Path(__file__).parents[2] / "scenarios" / "cases" / "example.csv"
QUICK = ("--no-charts", "--set", "scale=0.002", "--set", "drain_limit=60")
"""Options with which a shipped scenario takes a moment."""

ODD: list[Any] = [
    0, -1, 1, 2, 1.5, -0.0, 1e-9, 1e-320, 1e6, 1e12, 1e300, 2**31, 2**53 + 1, 2**63, 2**64, 10**40,
    float("inf"), float("-inf"), float("nan"), True, False, None, "", " ", "x", "0", "-1", "nan",
    "inf", "1e400", "1 parsec", "5 ms", "5ms5ms", "1h-30m", "99999999 d", "1/0", "300/s",
    "1/µs", "3 KiB", "*", "*.*", "?", ".", "..", "../x", "/", "a.b.c", "naïve", "日本",
    "🙂", "\u202e", "\0", "a" * 300, "a\nb", "[red]", ":100:", "{{}}", "%s",
    "null", "~", "=", "0x10", "0o7", "1_000",
    [], [[]], [None], ["a", "a"], {}, {"": 1}, {"a": {"b": {"c": []}}}, [1, "a", None, {}],
]  # fmt: skip
"""Values for any key."""

MARKS = [
    "\t", "\0", "\ufeff", "\x85", "\r", "\u2028", "🙂", "é", ":", "- ", "#", "'", '"', "{", "[",
    "}", "]", "&a ", "*a", "!!python/object:os.system ", "<<: ", "---\n", "|", ">", "%", "@", "\\",
    ",", ";", "\x1b[31m",
]  # fmt: skip
"""What means something to one parser or another, or to a terminal."""


class _Dice:
    """What is drawn for one attempt."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = np.random.default_rng([seed, 17])

    def of(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def upto(self, n: int) -> int:
        return int(self.rng.integers(max(1, n)))

    def odd_text(self) -> str:
        """An odd value as somebody would type it."""
        value = self.of(ODD)
        if isinstance(value, dict | list | bool) or value is None:
            return json.dumps(value)
        return str(value)

    def text(self, text: str) -> bytes:
        """A text with some places changed."""
        for _ in range(1 + self.upto(3)):
            text = self.of(_CHANGES)(self, text)
        data = text.encode("utf-8", "surrogatepass")
        if self.chance(0.05):
            at = self.upto(len(data))
            data = data[:at] + self.of([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00"]) + data[at:]
        return data

    def tree(self, data: Any) -> Any:
        """Plain data with some values changed."""
        for _ in range(1 + self.upto(2)):
            places = list(_places(data))
            if not places:
                return data
            above, key = self.of(places)
            match self.upto(6):
                case 0 | 1 | 2:
                    above[key] = self.of(ODD)
                case 3:
                    del above[key]
                case 4:
                    donor, other = self.of(places)
                    above[key] = json.loads(json.dumps(donor[other], default=str))
                case 5:
                    if isinstance(above, dict):
                        above[f"{key}{self.of(['x', 's', ' ', '.', '_'])}"] = above.pop(key)
                    else:
                        above.append(above[key])
        return data


def _places(value: Any) -> Any:
    """Every place in plain data, as what holds it and the key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key, inner in [(key, value[key]) for key in keys]:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _lines(change: Callable[[_Dice, list[str]], None]) -> Callable[[_Dice, str], str]:
    def changed(dice: _Dice, text: str) -> str:
        lines = text.splitlines(keepends=True) or [""]
        change(dice, lines)
        return "".join(lines)

    return changed


def _drop_line(dice: _Dice, lines: list[str]) -> None:
    del lines[dice.upto(len(lines))]


def _repeat_line(dice: _Dice, lines: list[str]) -> None:
    at = dice.upto(len(lines))
    lines[at:at] = [lines[at]] * dice.of([1, 1, 2, 50])


def _swap_lines(dice: _Dice, lines: list[str]) -> None:
    a, b = dice.upto(len(lines)), dice.upto(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _indent_line(dice: _Dice, lines: list[str]) -> None:
    at = dice.upto(len(lines))
    lines[at] = dice.of(["  ", " ", "\t"]) + lines[at]


def _number(dice: _Dice, text: str) -> str:
    found = list(re.finditer(r"\d[\d_.]*", text))
    if not found:
        return text
    here = dice.of(found)
    return text[: here.start()] + dice.odd_text() + text[here.end() :]


def _word(dice: _Dice, text: str) -> str:
    found = list(re.finditer(r"[\w.-]+", text))
    if not found:
        return text
    here, other = dice.of(found), dice.of(found)
    new = other[0] if dice.chance(0.5) else dice.odd_text()
    return text[: here.start()] + new + text[here.end() :]


def _mark(dice: _Dice, text: str) -> str:
    at = dice.upto(len(text))
    return text[:at] + dice.of(MARKS) * dice.of([1, 1, 1, 40]) + text[at:]


def _cut(dice: _Dice, text: str) -> str:
    at = dice.upto(len(text))
    return text[:at] if dice.chance(0.3) else text[:at] + text[at + 1 + dice.upto(3) :]


_CHANGES = [
    *map(_lines, (_drop_line, _repeat_line, _swap_lines, _indent_line)), _number, _number, _word,
    _word, _mark, _cut,
]  # fmt: skip


def _yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def _dumped(data: Any) -> bytes:
    try:
        return replay(data).encode("utf-8", "surrogatepass")
    except Exception:  # YAML cannot say it; JSON is YAML too
        return json.dumps(data, default=str).encode("utf-8", "surrogatepass")


def _shipped(dice: _Dice) -> Attempt:
    """A scenario of the lab, changed."""
    path = dice.of(SHIPPED)
    as_text = dice.chance(0.5)
    content = dice.text(path.read_text()) if as_text else _dumped(dice.tree(_yaml(path)))
    verb = ("show", "s.yaml") if dice.chance(0.4) else ("run", "s.yaml", *QUICK)
    return Attempt(dice.seed, "shipped scenario", verb, {"s.yaml": content})


def _generated(dice: _Dice) -> Attempt:
    """A random valid scenario, or one with a value changed."""
    data = any_scenario(dice.seed)
    data["drain_limit"] = min(data["drain_limit"], 300.0)
    if dice.chance(0.7):
        data = dice.tree(data)
    charts = () if dice.chance(0.02) else ("--no-charts",)
    name = ("--name", dice.odd_text()) if dice.chance(0.05) else ()
    return Attempt(
        dice.seed, "generated scenario", ("run", "s.yaml", *charts, *name),
        {"s.yaml": _dumped(data)},
    )  # fmt: skip


def _dotted(dice: _Dice, data: Any) -> str:
    """A dotted path into a scenario, that is there or could be."""
    annotation: Any = Scenario
    steps: list[str] = []
    value = data
    while True:
        known = names(annotation, value)
        if not known or (steps and dice.chance(0.15)):
            break
        step = str(dice.of(known))
        steps.append(step)
        key: str | int = int(step) if isinstance(value, list) else step
        annotation = child(annotation, value, key)
        if isinstance(value, list):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    if dice.chance(0.1):
        steps.insert(dice.upto(len(steps) + 1), dice.of(["", "x", "0", "-1", "99", "faults"]))
    return ".".join(steps)


def _sets(dice: _Dice) -> Attempt:
    """`--set` of anything to anything."""
    data = _yaml(GOOD) if dice.chance(0.5) else any_scenario(dice.seed)
    arguments = ["run", "s.yaml", "--no-charts"] if dice.chance(0.6) else ["show", "s.yaml"]
    if data["name"] == "two-systems":
        data["workload"]["arrivals"]["multiply"] = 0.05
    for _ in range(1 + dice.upto(3)):
        value = dice.odd_text()
        if dice.chance(0.1):
            value = dice.of(["[" * 2000, "{a: " * 500, "&a [*a]", "!x y", "a: b: c", "'", "@"])
        override = f"{_dotted(dice, data)}={value}"
        if dice.chance(0.05):
            override = dice.of(["", "=", "seed", "seed=", "=1", "a.b=1", "seed=1=2", ".=1"])
        arguments += ["--set", override.replace("\0", "")]
    if dice.chance(0.1):
        arguments += ["--seed", dice.odd_text().replace("\0", "")]
    return Attempt(dice.seed, "--set", tuple(arguments), {"s.yaml": _dumped(data)})


def _trace_text(dice: _Dice) -> str:
    """A trace, well written."""
    step_s = dice.of([1, 60, 60, 3600])
    at = np.datetime64("2024-05-01T00:00:00") + np.arange(2 + dice.upto(20)) * np.timedelta64(
        step_s, "s"
    )
    rows = [f"{t}Z,{dice.upto(40)},{dice.upto(9)}" for t in at]
    return "\n".join(["time,requests,errors", *rows, ""])


_QUANTILES = "percentile,ms\n0,0.6\n1,1.17\n50,2.15\n99,4.35\n99.9,17.37\n100,94.2\n"


def _traces(dice: _Dice) -> Attempt:
    """A trace, a case file or a file of quantiles, changed."""
    if dice.chance(0.2):
        text, name = _QUANTILES, "quantiles.csv"
        data = _yaml(GOOD)
        csv: Any = {"path": name} if dice.chance(0.3) else name
        data["systems"]["kafka"]["latency"] = {"produce": {"csv": csv}}
    elif dice.chance(0.3):
        text, name = "\n".join(CASES.read_text().splitlines()[: 5 + dice.upto(60)]), "cases.csv"
        data = _yaml(GOOD)
        data["workload"] |= {"cases": name, "keys": {"case": {"count": 3}}}
        data["workload"].pop("order_by")
        data["systems"]["kafka"]["partition_key"] = ["case"]
        if dice.chance(0.3):
            data["workload"]["cases"] = {"path": name}
    else:
        text, name = _trace_text(dice), "trace.csv"
        data = _yaml(HERE / "scenarios" / "from-trace.yaml")
        trace: dict[str, Any] = {"path": name}
        for key in ("column", "start", "end", "interval"):
            if dice.chance(0.2):
                usual = {"column": "errors", "start": "2024-05-01T00:00:02Z", "end": "2024-05-02"}
                trace[key] = usual.get(key, 30) if dice.chance(0.5) else dice.of(ODD)
        data["workload"]["arrivals"]["trace"] = trace
    content = dice.text(text) if dice.chance(0.85) else text.encode()
    if dice.chance(0.25):
        content, name = gzip.compress(content, mtime=0), f"{name}.gz"
        if dice.chance(0.5):
            content = content[: dice.upto(len(content))] + dice.of([b"", b"\0\0", b"garbage"])
        text = json.dumps(data).replace(name.removesuffix(".gz"), name)
        data = json.loads(text)
    data["drain_limit"] = 60
    arguments = ("run", "s.yaml", "--no-charts")
    return Attempt(dice.seed, "trace", arguments, {"s.yaml": _dumped(data), name: content})


PROPERTIES = """# a consumer
bootstrap.servers=broker-1:9092,broker-2:9092
group.id=orders
group.instance.id=orders-${HOSTNAME}
auto.offset.reset=earliest
enable.auto.commit=true
auto.commit.interval.ms=5000
max.poll.records=500
max.poll.interval.ms=300000
session.timeout.ms=45000
heartbeat.interval.ms=3000
partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor
fetch.min.bytes : 1
fetch.max.wait.ms 500
security.protocol=SASL_SSL
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username="a" password="b";
"""
PRODUCER = """acks=all
linger.ms=5
batch.size=16384
enable.idempotence=true
retries=2147483647
delivery.timeout.ms=120000
compression.type=lz4
max.in.flight.requests.per.connection=5
"""
REDRIVE = '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:d","maxReceiveCount":5}'
ATTRIBUTES = json.dumps(
    {
        "Attributes": {
            "QueueArn": "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
            "VisibilityTimeout": "30",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "ReceiveMessageWaitTimeSeconds": "20",
            "RedrivePolicy": REDRIVE,
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
    },
    indent=1,
)


def _changed_export(dice: _Dice, text: str) -> bytes:
    if text.lstrip().startswith("{") and dice.chance(0.5):
        return json.dumps(dice.tree(json.loads(text)), default=str).encode("utf-8", "surrogatepass")
    return dice.text(text)


def _imports(dice: _Dice) -> Attempt:
    """A file for an importer, changed."""
    kind = dice.of(["omb", "omb", "config", "config", "lag", "lag", "omb-result"])
    output = ("-o", "out.yaml") if dice.chance(0.5) else ()
    if kind == "omb":
        files = {
            "w.yaml": _changed_export(dice, (EXPORTS / "omb_workload.yaml").read_text()),
            "d.yaml": (EXPORTS / "omb_driver_kafka.yaml").read_bytes(),
        }
        if dice.chance(0.5):
            files["d.yaml"] = _changed_export(dice, files["d.yaml"].decode())
        driver = ("d.yaml",) if dice.chance(0.8) else ()
        return Attempt(
            dice.seed, "import omb", ("import", "omb", "w.yaml", *driver, *output), files
        )
    if kind == "omb-result":
        files = {"r.json": _changed_export(dice, (EXPORTS / "omb_result.json").read_text())}
        of = ("--of", "end-to-end") if dice.chance(0.3) else ()
        csv = ("-o", "out.csv") if dice.chance(0.7) else ()
        return Attempt(dice.seed, "import", ("import", "omb-result", "r.json", *of, *csv), files)
    if kind == "config":
        text, name = dice.of(
            [(PROPERTIES, "c.properties"), (PRODUCER, "p.properties"), (ATTRIBUTES, "a.json")]
        )
        role = ("--as", dice.of(["consumer", "producer", "x"])) if dice.chance(0.3) else ()
        arguments = ("import", "config", name, *role, *output)
        return Attempt(dice.seed, "import config", arguments, {name: _changed_export(dice, text)})
    lag = [p for p in sorted(EXPORTS.iterdir()) if p.suffix != ".yaml"]
    path = dice.of(lag)
    files = {path.name: _changed_export(dice, path.read_text())}
    if dice.chance(0.8):
        return Attempt(dice.seed, "import lag", ("import", "lag", path.name), files)
    start = ("--start", dice.odd_text().replace("\0", "")) if dice.chance(0.5) else ()
    arguments = ("plot", "results/two-systems/kept", "--overlay", path.name, *start)
    return Attempt(
        dice.seed, "overlay", arguments, files, (("result", "results/two-systems/kept"),)
    )


RUN = ("run", "s.yaml", "--no-charts")
KEPT = "results/two-systems/kept"
READERS = [
    ("report", KEPT), ("plot", KEPT), ("compare", KEPT, "results/two-systems/other"),
    ("compare", KEPT, KEPT), ("animate", KEPT), ("report", "two-systems"), RUN,
]  # fmt: skip


def _places_of_files(dice: _Dice) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """A command and the state of the file system that it meets."""
    odd = dice.odd_text().replace("\0", "") or "x"
    where: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = [
        # Where a result cannot be.
        ((*RUN, "--out", "s.yaml"), ()),
        ((*RUN, "--out", "s.yaml/below"), ()),
        ((*RUN, "--out", "/proc/none"), ()),
        ((*RUN, "--out", "/dev/null"), ()),
        ((*RUN, "--out", "x" * 300), ()),
        ((*RUN, "--out", "/".join(["x" * 200] * 25)), ()),
        ((*RUN, "--out", "loop"), (("link", "loop", "loop"),)),
        ((*RUN, "--out", "dangling"), (("link", "dangling", "nowhere"),)),
        ((*RUN, "--out", "pipe"), (("fifo", "pipe"),)),
        ((*RUN, "--out", "shut"), (("folder", "shut"), ("read only", "shut"), ("as nobody",))),
        ((*RUN, "--out", odd), ()),
        ((*RUN, "--name", odd), ()),
        ((*RUN, "--name", "kept"), (("result", KEPT),)),
        ((*RUN, "--name", "kept"), (("folder", KEPT), ("folder", f"{KEPT}/thesis"))),
        ((*RUN, "--name", "kept"), (("fifo", KEPT),)),
        ((*RUN, "--books", "/dev/full"), ()),
        ((*RUN, "--books", odd), ()),
        ((*RUN, "s.yaml", "--books", "b.sqlite"), ()),
        # A disk that is full, after so many bytes of a file.
        (RUN, (("file size", str(dice.of([0, 1, 4096, 20_000, 100_000]))),)),
        (("run", "s.yaml"), (("file size", str(dice.of([4096, 30_000]))),)),
        (("plot", KEPT), (("result", KEPT), ("file size", "5000"))),
        (("report", KEPT), (("result", KEPT), ("file size", "5000"))),
        (("animate", KEPT), (("result", KEPT), ("file size", "5000"))),
        (("import", "omb", "w.yaml", "-o", "o.yaml"), (("file size", "10"),)),
        (("import", "omb", "w.yaml", "-o", "/dev/full"), ()),
        (("import", "omb", "w.yaml", "-o", odd), ()),
        (("import", "omb", "w.yaml", "-o", "no/such/folder.yaml"), ()),
        # Options.
        (("compare", KEPT, KEPT, "--width", odd), (("result", KEPT),)),
        (("animate", KEPT, "--from", odd), (("result", KEPT),)),
        (("animate", KEPT, "--from", "2h", "--until", "1h"), (("result", KEPT),)),
        (("advise", "s.yaml", "--max-workers", odd), ()),
        (("report", odd), ()),
        (("compare", odd, odd), ()),
        ((odd,), ()),
        (("run", odd), ()),
        (("show", "s.yaml", "--seed", odd), ()),
        (("list",), (("folder", "scenarios"), ("fifo", "scenarios/x.yaml"))),
        (("list",), (("link", "scenarios", "scenarios"),)),
        (("schema",), ()),
    ]  # fmt: skip
    # What is no file, where one is read.
    for verb in (RUN, ("import", "omb"), ("import", "config"), ("import", "lag")):
        for thing, state in (
            ("pipe.yaml", (("fifo", "pipe.yaml"),)),
            ("loop.yaml", (("link", "loop.yaml", "loop.yaml"),)),
            ("folder.yaml", (("folder", "folder.yaml"),)),
            ("secret.yaml", (("no access", "secret.yaml"), ("as nobody",))),
            ("/dev/zero", ()),
            ("/dev/null", ()),
            ("/dev/urandom", ()),
            ("x" * 300 + ".yaml", ()),
            ("not-there.yaml", ()),
            ("bytes-\udcff.yaml", ()),
            ("/proc/self/mem", ()),
        ):
            words = ("run", thing, "--no-charts") if verb is RUN else (*verb, thing)
            where.append((words, state))
    for thing in ("pipe.csv", "loop.csv", "folder.csv", "/dev/zero", "/dev/null", "x" * 300):
        state: tuple[tuple[str, ...], ...] = {
            "pipe.csv": (("fifo", "pipe.csv"),), "loop.csv": (("link", "loop.csv", "loop.csv"),),
            "folder.csv": (("folder", "folder.csv"),),
        }.get(thing, ())  # fmt: skip
        where.append(
            (("run", "t.yaml", "--no-charts", "--set", f"workload.arrivals.trace={thing}"), state)
        )
        where.append((("plot", KEPT, "--overlay", thing), (("result", KEPT), *state)))
    if dice.chance(0.6):
        return dice.of(where)
    return dice.of(READERS), _damage(dice)


def _damage(dice: _Dice) -> tuple[tuple[str, ...], ...]:
    """Two results, in one of which a file is damaged or gone."""
    file = dice.of(
        ["manifest.json", "manifest.json", "summary.parquet", "series.parquet", "fates.parquet",
         "messages.parquet", "latency.parquet", "faults.parquet", "summary.csv"]
    )  # fmt: skip
    place = f"{KEPT}/{file}"
    harm = dice.of(
        [("damaged", place, "0", ""), ("damaged", place, str(dice.upto(3000)), ""), ("gone", place),
         ("damaged", place, str(dice.upto(300)), dice.odd_text()), ("damaged", place, "0", "{}"),
         ("damaged", place, "0", "[]")]
    )  # fmt: skip
    return (("result", KEPT), ("result", "results/two-systems/other"), harm)


def _file_system(dice: _Dice) -> Attempt:
    """A file system that is not as one would wish."""
    arguments, state = _places_of_files(dice)
    data = _yaml(GOOD)
    data["workload"]["arrivals"]["multiply"] = 0.05
    files = {
        "s.yaml": _dumped(data),
        "t.yaml": (HERE / "scenarios" / "from-trace.yaml").read_bytes(),
        "w.yaml": (EXPORTS / "omb_workload.yaml").read_bytes(),
        "secret.yaml": b"name: x\n",
    }
    return Attempt(dice.seed, "file system", arguments, files, state)


def _bombs(dice: _Dice) -> Attempt:
    """What is small to write and large to read, or to run."""
    aliases = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    deep = dice.of([500, 3_000, 100_000])
    text = dice.of(
        [
            "a0: &a0 [x]\n" + aliases, "[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep,
            "".join("- " * deep), "".join(f"k{i}: 1\n" for i in range(dice.of([1_000, 400_000]))),
            "x" * 5_000_000, "\n" * 3_000_000, "a: " + "'" * 100_000, "? " * deep, "# " * 2_000_000,
            "{" + ",".join(f'"k{i}":{i}' for i in range(200_000)) + "}", "a\n" * 500_000,
            "time,n\n1970-01-01,1\n2970-01-01,1\n", "time,n\n1970-01-01T00:00:00Z,999999999999\n",
        ]
    )  # fmt: skip
    scenario = _dumped(_yaml(HERE / "scenarios" / "from-trace.yaml"))
    large = dice.of(
        ["duration=1000 d", "scale=1e9", "workload.arrivals.multiply=1e12", "seed=9e99",
         "workload.keys.url.count=1e12", "systems.sqs.queues.all.workers=1e9", "drain_limit=1e12",
         "systems.sqs.servers=1e10", "workload.size=1e15", "systems.sqs.producer.threads=1e9",
         "workload.arrivals.dispersion=1e300", "workload.service.counters.per_message=1e300"]
    )  # fmt: skip
    minutes = (HERE / "scenarios" / "minutes.csv").read_bytes()
    packed = gzip.compress(b"time,requests\n" + b"\0" * dice.of([10**6, 10**8]), mtime=0)
    files = {
        "b.yaml": text.encode(),
        "s.yaml": scenario,
        "minutes.csv": minutes,
        "z.csv.gz": packed,
    }
    trace = "workload.arrivals.trace"
    arguments = dice.of(
        [
            ("run", "b.yaml"), ("show", "b.yaml"), ("import", "omb", "b.yaml"),
            ("import", "config", "b.yaml"), ("import", "lag", "b.yaml"),
            (*RUN, "--set", large), (*RUN, "--set", large), (*RUN, "--set", f"{trace}=z.csv.gz"),
            (*RUN, "--set", f"{trace}=b.yaml"),
        ]
    )  # fmt: skip
    used = {name: files[name] for name in files if name in " ".join([*arguments, "minutes.csv"])}
    return Attempt(dice.seed, "bomb", arguments, used)


KINDS: list[tuple[int, Callable[[_Dice], Attempt]]] = [
    (21, _shipped), (22, _generated), (16, _sets), (14, _traces), (16, _imports),
    (9, _file_system), (2, _bombs),
]  # fmt: skip


def fuzzed(seed: int) -> Attempt:
    """The attempt of a seed."""
    dice = _Dice(seed)
    kinds = [kind for weight, kind in KINDS for _ in range(weight)]
    return dice.of(kinds)(dice)
