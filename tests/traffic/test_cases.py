"""Case histories: what is read, what is refused and where, and that real ones reconcile."""

import csv
import gzip
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from sim.foundation.errors import LabError
from sim.ledger.book import book, histories
from sim.traffic.cases import Cases, read

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "scenarios" / "cases" / "example.csv"
TRACES = ROOT.parent / "shared" / "traces"

HEADER = "case,seq,timestamp,activity,amount,payment"


def trace(name: str) -> Path:
    path = TRACES / name
    if not path.exists():
        pytest.skip(f"{name} is not here; it is not part of the project")
    return path


@pytest.fixture
def written(tmp_path):
    def write(*lines: str, header: str = HEADER) -> Path:
        path = tmp_path / "cases.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    return write


def balance_cents(cases: Cases):
    """[cases] what is owed after the last event of each."""
    out = np.zeros(len(cases.names), np.int64)
    np.add.at(out, cases.entity, cases.posting_cents)
    return out


def test_reads_cases_interleaved_and_out_of_order(written):
    cases = read(
        written(
            "b,7,2018-06-30T18:00:02+02:00,start,,",
            "a,2,2018-06-30 16:00:02.5,settled,,12.50",
            "a,1,2018-06-30T16:00:01Z,pending,12.5,",
            "",
            'b,8,2018-06-30T16:00:02.500Z,"stop, at last",1,',
        )
    )
    assert cases.names == ["a", "b"]
    assert cases.activities == ["pending", "start", "settled", "stop, at last"]
    assert cases.created_s.tolist() == [0.0, 1.0, 1.5, 1.5]
    assert cases.entity.tolist() == [0, 1, 0, 1]
    assert cases.seq.tolist() == [0, 0, 1, 1]
    assert cases.activity.tolist() == [0, 1, 2, 3]
    assert cases.due_cents.tolist() == [1250, 0, 0, 100]
    assert cases.paid_cents.tolist() == [0, 0, 1250, 0]
    assert balance_cents(cases).tolist() == [0, 100]
    assert cases.amount_cents.tolist() == [1250, 100]
    assert str(cases.start) == "2018-06-30 16:00:01+00:00"
    assert [column.dtype.name for column in (cases.created_s, cases.entity, cases.seq)] == [
        "float64",
        "int32",
        "int16",
    ]


def test_seq_decides_where_the_clock_is_too_coarse(written):
    day = "2018-06-30"
    cases = read(written(f"a,2,{day},c,,", f"a,0,{day},a,,", f"b,0,{day},a,,", f"a,1,{day},b,,"))
    assert [cases.activities[number] for number in cases.activity] == ["a", "a", "b", "c"]
    assert cases.seq.tolist() == [0, 0, 1, 2]
    assert [cases.names[number] for number in cases.entity] == ["a", "b", "a", "a"]


def test_an_amount_replaces_and_an_expense_adds(written):
    cases = read(
        written(
            "fine,2,2018-06-30T00:00:02Z,penalty,65.50,,",
            "fine,1,2018-06-30T00:00:01Z,send,,10.05,",
            "fine,0,2018-06-30T00:00:00Z,create,32.00,,",
            "fine,3,2018-06-30T00:00:03Z,payment,,,70",
            header="case,seq,timestamp,activity,amount,expense,paymentAmount",
        )
    )
    assert cases.due_cents.tolist() == [3200, 1005, 3350, 0]
    assert cases.posting_cents.tolist() == [3200, 1005, 3350, -7000]
    assert balance_cents(cases).tolist() == [555]


def test_money_may_be_absent(written):
    path = written("a,0,2018-06-30T00:00:00Z,x", header="case,seq,timestamp_utc,activity")
    cases = read(path)
    assert cases.paid_cents is None
    assert cases.posting_cents.tolist() == cases.amount_cents.tolist() == [0]


def test_reads_gzip_and_the_mark_that_spreadsheets_write(tmp_path):
    path = tmp_path / "cases.csv.gz"
    text = f"\ufeff{HEADER}\r\na,0,2018-06-30T00:00:00Z,x,1,\r\n"
    path.write_bytes(gzip.compress(text.encode()))
    assert read(path).names == ["a"]


GOOD = "a,0,2018-06-30T00:00:00Z,x,1,"
WRONG = {
    "fields": ([GOOD, "a,1"], ":3: 2 fields where the header has 6"),
    "no case": ([",0,2018-06-30T00:00:00Z,x,1,"], ":2: no case"),
    "no activity": (["a,0,2018-06-30T00:00:00Z,,1,"], ":2: no activity"),
    "seq": (["a,one,2018-06-30T00:00:00Z,x,1,"], ":2: seq: expected a whole number, not 'one'"),
    "time": ([GOOD, "a,1,yesterday,x,1,"], ":3: 'yesterday' is not a time"),
    "no time": ([GOOD, "a,1,,x,1,"], ":3: '' is not a time"),
    "amount": (["a,0,2018-06-30T00:00:00Z,x,much,"], ":2: amount: expected an amount"),
    "mills": (["a,0,2018-06-30T00:00:00Z,x,,1.005"], ":2: payment: expected an amount in whole"),
    "no number": (["a,0,2018-06-30T00:00:00Z,x,NaN,"], ":2: amount: expected an amount"),
    "infinite": (["a,0,2018-06-30T00:00:00Z,x,inf,"], ":2: amount: expected an amount"),
    "too much": (["a,0,2018-06-30T00:00:00Z,x,1e14,"], ":2: amount: expected an amount"),
    "twice": ([GOOD, "b" + GOOD[1:], GOOD], ":4: case 'a' has another event 0, in line 2"),
    "hole": ([GOOD, "", "a,2,2018-06-30T00:00:00Z,x,1,"], ":4: case 'a' has no event 1 before"),
    "time goes back": (
        ["a,1,2018-06-29T00:00:00Z,x,1,", GOOD],
        ":2: event 1 of case 'a' is earlier than its event 0, in line 3",
    ),
    "the first of two": (["b" + GOOD[1:], GOOD, GOOD, "b" + GOOD[1:]], ":4: case 'a' has another"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_with_the_line(written, name):
    lines, message = WRONG[name]
    path = written(*lines)
    with pytest.raises(LabError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}{message}")


def test_refuses_files_that_are_no_cases(written, tmp_path):
    with pytest.raises(LabError, match="no such file; expected a CSV of events with the columns"):
        read(tmp_path / "absent.csv")
    with pytest.raises(LabError, match="cannot be read"):
        read(tmp_path)
    no_gzip = tmp_path / "x.csv.gz"
    for content, says in (
        (b"plain", "cannot be unpacked"),
        (gzip.compress(HEADER.encode())[:-9], "cut short"),
        (gzip.compress(b"\xff\xff"), "not a text file"),
    ):
        no_gzip.write_bytes(content)
        with pytest.raises(LabError, match=says):
            read(no_gzip)
    with pytest.raises(LabError, match="no events"):
        read(written())
    with pytest.raises(LabError, match=r"csv:1: no column 'activity' \(is it 'activty'\?\)"):
        read(written(header="case,seq,timestamp,activty"))
    with pytest.raises(LabError, match=r"no column 'case'.*and the file has none"):
        read(written(header=""))


def test_refuses_a_case_longer_than_its_numbers(written):
    lines = [f"a,{seq},2018-06-30T00:00:00Z,x,," for seq in range(32_769)]
    assert read(written(*lines[:-1])).seq[-1] == 32_767
    with pytest.raises(LabError, match=":32770: more than 32,768 events of case 'a'"):
        read(written(*lines))


def replayed(cases: Cases, policy, order):
    """A ledger that gets the events of ``cases`` in ``order``, a second apart."""
    declared = histories(
        cases.created_s, cases.entity, len(cases.names), posting_cents=cases.posting_cents
    )
    assert (declared.seq == cases.seq).all()
    event = order.astype(np.int32)
    return book(declared, np.arange(float(event.size)), event, policy, np.zeros(0))


def shuffled_with_replays(cases: Cases):
    rng = np.random.default_rng(5)
    return rng.permutation(np.concatenate([np.arange(len(cases)), np.arange(0, len(cases), 7)]))


def test_the_example_is_a_business_that_balances_but_for_what_is_open():
    cases = read(EXAMPLE)
    assert cases.activities[0] == "pending"
    last = {}
    for entity, activity in zip(cases.entity, cases.activity, strict=True):
        last[entity] = cases.activities[activity]
    assert set(last.values()) == {"settled", "rejected", "reversed", "processing"}
    for entity, balance in enumerate(balance_cents(cases)):
        assert (balance > 0) == (last[entity] == "processing")


def test_receipt_coselog_replays():
    cases = read(trace("receipt_coselog.csv"))
    assert (len(cases), len(cases.names), len(cases.activities)) == (8_577, 1_434, 27)
    assert (np.diff(cases.created_s) > 0).sum() > 8_000
    assert cases.paid_cents is None
    assert np.bincount(cases.entity).max() == 25
    naive = replayed(cases, "naive", shuffled_with_replays(cases)).report
    assert naive.illegal_transitions > 1_000 and naive.entities_wrong > 100
    strict = replayed(cases, "strict", shuffled_with_replays(cases)).report
    assert strict.illegal_transitions == strict.entities_wrong == strict.parked_at_end == 0


def test_road_traffic_fines_reconcile():
    path = trace("road_traffic_fines_100.csv")
    cases = read(path)
    assert (len(cases), len(cases.names)) == (390, 100)

    charged, expenses, paid, stated = {}, defaultdict(Decimal), defaultdict(Decimal), {}
    with path.open() as file:
        for row in csv.DictReader(file):
            case = row["case"]
            if row["amount"]:
                charged[case] = Decimal(row["amount"])
            expenses[case] += Decimal(row["expense"] or 0)
            paid[case] += Decimal(row["paymentAmount"] or 0)
            if row["totalPaymentAmount"]:
                stated[case] = Decimal(row["totalPaymentAmount"])
    assert stated == paid
    due = [100 * (charged[case] + expenses[case] - paid[case]) for case in cases.names]
    assert balance_cents(cases).tolist() == due
    by_case = np.bincount(cases.entity, cases.paid_cents)
    assert by_case.tolist() == [100 * paid[case] for case in cases.names]

    in_order = replayed(cases, "naive", np.arange(len(cases)))
    assert in_order.booked_cents.tolist() == due
    disorder = shuffled_with_replays(cases)
    assert replayed(cases, "strict", disorder).booked_cents.tolist() == due
    assert replayed(cases, "idempotent", disorder).booked_cents.tolist() == due
    assert replayed(cases, "naive", disorder).report.misstatement_cents > 0
