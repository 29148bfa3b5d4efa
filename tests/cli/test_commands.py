"""The command as a person meets it, in a process of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

BAD = sorted((Path(__file__).parents[1] / "data" / "bad_scenarios").glob("*.yaml"))
SMALL = ["--set", "scale=0.01", "--set", "drain_limit=1h"]


def sim(*args, cwd=None, **env):
    return subprocess.run(
        [sys.executable, "-c", "from sim.cli.commands import main; main()", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", **env},
        check=False,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for seed in (1, 2):
        done = sim("run", "tournament_spike", *SMALL, "--seed", seed, "--out", folder)
        assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_list_says_what_is_wrong_with_a_file_that_does_not_say_what_it_is_about(tmp_path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text("name: [\n")
    (tmp_path / "scenarios" / "other.yaml").write_text("name: other\nbase: tournament_spike.yaml\n")
    lines = {line.split()[0]: line for line in sim("list", cwd=tmp_path).stdout.splitlines()}
    assert "mine.yaml" in lines["mine"] and "unreadable YAML" in lines["mine"]
    assert lines["other"].split(maxsplit=1)[1] == lines["tournament_spike"].split(maxsplit=1)[1]


def test_list_names_every_scenario():
    done = sim("list")
    assert done.returncode == 0
    shipped = {path.stem for path in Path("scenarios").glob("*.yaml")}
    assert {line.split()[0] for line in done.stdout.splitlines()} == shipped


@pytest.mark.parametrize("module", ["sim", "sim.cli"])
def test_a_module_that_looks_like_the_command_is_the_command(module):
    done, wrong = (
        subprocess.run([sys.executable, "-m", module, verb], capture_output=True, text=True)
        for verb in ("list", "lst")
    )
    assert (done.returncode, done.stdout) == (0, sim("list").stdout)
    assert wrong.returncode == 2 and "No such command 'lst'" in wrong.stderr


def test_show_prints_the_scenario_as_it_will_run_and_can_be_run_again(tmp_path):
    done = sim("show", "tournament_sqs_tuned", "--set", "systems.kafka.groups.counters.consumers=7")
    assert done.returncode == 0
    assert "consumers: 7" in done.stdout and "max.poll.records: 500" in done.stdout
    copy = tmp_path / "copy.yaml"
    copy.write_text(done.stdout)
    again = sim("show", copy)
    assert again.stdout == done.stdout


def test_schema_is_json():
    assert "systems" in json.loads(sim("schema").stdout)["properties"]


def test_run_prints_a_table_of_100_columns_and_a_finding(results):
    folder, printed = results
    assert max(len(line.rstrip()) for line in printed.splitlines() if "/" not in line) <= 100
    assert "kafka" in printed and "No message is lost" in printed
    run = next((folder / "tournament_spike").glob("seed1-*"))
    names = {path.name for path in run.iterdir()}
    assert {"summary.csv", "manifest.json", "series.parquet", "charts"} <= names
    assert [path.name for path in (run / "charts").iterdir()] == ["overview.png"]
    plotted = sim("plot", run, "--format", "png", "--format", "svg").stdout
    assert {"overview.png", "lag.png", "latency.svg"} <= {Path(p).name for p in plotted.split()}
    assert all(str(path) in plotted for path in (run / "charts").iterdir())
    about = json.loads((run / "manifest.json").read_text())
    assert about["command"].startswith("sim run tournament_spike --set scale=0.01")


def test_compare_puts_runs_side_by_side(results, tmp_path):
    folder, _ = results
    runs = sorted((folder / "tournament_spike").iterdir())
    done = sim("compare", *runs, "--to", tmp_path / "compare")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "compare").glob("*.png"))


def test_a_run_tells_what_became_of_a_change(tmp_path):
    fan_out = "systems.sqs_fanout.queues.analytics.MaxNumberOfMessages"
    common = ("run", "tournament_spike", "--no-charts", "--out", tmp_path, "--set", "scale=0.1")
    first, again, changed = sim(*common), sim(*common), sim(*common, "--set", f"{fan_out}=10")
    assert "Against" not in first.stdout + again.stdout
    _, told = changed.stdout.split("Against tournament_spike/")
    lines = told.splitlines()
    assert lines[1] == f"  {fan_out}: 1 -> 10"
    assert "sqs_fanout.analytics: time to drain" in lines[2]
    assert "kafka" not in told.partition("report.html")[0].partition("\n")[2].partition("\n\n")[0]
    runs = sorted((tmp_path / "tournament_spike").iterdir(), key=lambda run: run.stat().st_mtime)
    compared = sim("compare", *runs, "--to", tmp_path / "compare")
    assert lines[1] in compared.stdout


def test_a_key_of_the_product_that_is_not_modelled_is_warned_of(tmp_path):
    done = sim("show", "tournament_spike", "--set", "systems.kafka.producer.compression.type=lz4")
    assert done.returncode == 0
    assert "warning" in done.stderr and "compression.type" in done.stderr


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_scenario_exits_with_2_and_no_traceback(path, tmp_path):
    done = sim("run", path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert path.name in done.stderr
    assert not (tmp_path / "out").exists(), "nothing half-written"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["run", "tournament_spik"], "did you mean 'tournament_spike'"),
        (["run", "tournament_spike", "--set", "sed=4"], "did you mean 'seed'"),
        (["plot", "nothing"], "no result 'nothing'"),
        (["compare", "nothing"], "no result 'nothing'"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(args, says, tmp_path):
    done = sim(*args, "--out", tmp_path)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path):
    command = ["run", "tournament_spike", "--set", "scale=4", "--no-charts", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from sim.cli.commands import main; main()", *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and all that they start, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    partial = None
    for _ in range(1_200):
        partial = next(tmp_path.glob("*/*.partial/sqs_single-*/manifest.json"), None)
        if partial or process.poll() is not None:
            break
        time.sleep(0.05)
    assert partial, "the first system was never kept"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "stopped; systems that had finished are kept, and the same command goes on" in stderr
    assert not list(tmp_path.glob("*/*/manifest.json"))
    done = sim(*command)
    assert done.returncode == 0
    assert not list(tmp_path.glob("*/*.partial"))


def test_importing_sim_is_light():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import sim, sim.cli.commands"],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = ("pandas", "matplotlib", "pyarrow", "scipy", "simpy")
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & set(heavy)


def test_books_and_gauges_are_written_for_a_ledger(tmp_path):
    books = tmp_path / "books.sqlite"
    done = sim(
        "run", "ledger_ordering", *SMALL, "--no-charts", "--out", tmp_path, "--books", books
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "books of" in done.stdout
    with sqlite3.connect(books) as db:
        systems = {name for (name,) in db.execute("SELECT DISTINCT system FROM transactions")}
        balanced = db.execute("SELECT SUM(debit_cents) = SUM(credit_cents) FROM postings")
        assert balanced.fetchone() == (1,)
    assert {"async", "idempotent_books", "sqs_strict_books"} <= systems
    metrics = next(tmp_path.glob("ledger_ordering/*/metrics.txt")).read_text()
    assert 'kafka_producer_buffer_remaining_records{client_id="async"}' in metrics
    assert metrics.endswith("# EOF\n")
    wrong = sim("run", "tournament_spike", *SMALL, "--out", tmp_path, "--books", books)
    assert wrong.returncode == 2 and "keeps a ledger" in wrong.stderr


def test_kernels_that_are_not_compiled_are_said_and_run_a_small_scale(tmp_path):
    run = ("run", "celery_jobs", "--no-charts", "--out", tmp_path)
    plain = sim(*run, "--name", "plain", SIM_KERNELS="python")
    assert plain.returncode == 0
    assert "warning: the kernels are not compiled, and a hundred times slower" in plain.stderr
    assert "scale is 0.01" in plain.stderr
    small = sim(*run, "--name", "small", "--set", "scale=0.01")
    assert "kernels" not in small.stderr
    kept = [tmp_path / "celery_jobs" / name / "summary.csv" for name in ("plain", "small")]
    assert kept[0].read_bytes() == kept[1].read_bytes()
    told = sim(*run, "--name", "told", "--set", "scale=0.02", SIM_KERNELS="python")
    assert "kernels" not in told.stderr


def test_needs_are_judged_at_the_end_and_check_exits_with_1_where_one_is_not_met(tmp_path):
    run = ["run", "tournament_spike", *SMALL, "--no-charts", "--name", "a", "--out", tmp_path]
    folder = tmp_path / "tournament_spike" / "a"
    for allowed, code, said in (("1h", 0, " both needs"), ("1ms", 1, " 1 of 2 needs")):
        done = sim(*run, "--set", f"needs.max_delay={allowed}", "--check")
        assert done.returncode == code, done.stderr
        assert f"{folder}/needs.json\n{folder}/needs.xml\n" in done.stdout
        assert json.loads((folder / "needs.json").read_text())["met"] is (code == 0)
        assert said in done.stdout.partition("\nNeeds:\n")[2]
        assert said in " ".join(json.loads((folder / "manifest.json").read_text())["needs"])
        assert said in (folder / "report.html").read_text()
    assert "Needs:" in sim(*run).stdout and not (folder / "needs.json").exists()
    assert (
        "Needs:"
        not in sim("run", "crash_and_rebalance", *SMALL, "--no-charts", "--out", tmp_path).stdout
    )


def test_check_is_refused_where_there_is_nothing_to_check(tmp_path):
    done = sim("run", "crash_and_rebalance", *SMALL, "--check", "--out", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.replace("\n", "").endswith("crash_and_rebalance.yaml states no `needs`")
    assert not list(tmp_path.iterdir())


def test_advice_is_written_as_a_scenario_beside_its_configuration(tmp_path):
    mine, path = tmp_path / "mine.yaml", tmp_path / "winner.yaml"
    mine.write_text(
        "base: celery_jobs.yaml\nname: mine\nduration: 60s\nfaults: []\n"
        "workload: {arrivals: {profile: [{for: 60s, rate: 1/s}]}}\n"
    )
    done = sim("advise", mine, "--max-workers", "2", "-o", path)
    assert done.returncode == 0, done.stderr
    beside = [
        file for file in tmp_path.iterdir() if file.name.startswith("winner.") and file != path
    ]
    assert beside and all(str(file) in done.stdout.replace("\n", "") for file in (path, *beside))
    assert sim("show", path).returncode == 0
    again = sim("advise", mine, "-o", path)
    assert again.returncode == 2 and "exists, and may hold work of yours" in again.stderr


def test_the_command_starts_without_what_only_a_run_needs():
    """NumPy and pandas are a fifth of a second, which `sim list` and `sim --help` would pay."""
    heavy = "{'numpy', 'pandas', 'scipy', 'matplotlib', 'joblib', 'distributed'}"
    code = f"import sys, sim.cli.commands; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_said():
    done = sim("--version")
    assert (done.returncode, done.stdout) == (0, f"sim {version('queue-log-lab')}\n")


def test_short_help_and_the_exit_codes():
    done = sim("-h")
    assert done.returncode == 0
    assert "Exit codes: 0 done; 1 a need is not met" in done.stdout
