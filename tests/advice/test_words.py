"""The advice in words."""

from dataclasses import replace

from helpers.advice import GOOD, answer, row, scenario
from sim.advice.advise import as_data
from sim.advice.trial import Trial
from sim.advice.words import closing, notes, said, table
from sim.costs.use import GroupUse, Use
from sim.scenario.needs import Needs
from sim.words.needs_met import judge


def test_the_closing_words_say_gone_or_still_there():
    queue, log = row("queue", gone=900), row("log", usd=5.0)
    assert closing(answer(queue, log)).startswith("Either will do")
    words = closing(answer(row("queue", gone=900, unmet=["order"]), log, order="per_key"))
    assert "a log is the way to go. Take Log with 3 workers (5.00 USD an hour)." in words
    assert "Because of `order: per_key` no queue here will do: with Queue, 12 of 1,000" in words
    words = closing(answer(queue, row("log", unmet=["loss"])))
    assert words.startswith("You need each message gone once it is processed: a queue.")
    assert "Because of `loss: none` no log here will do" in words
    words = closing(answer(row("queue", unmet=["loss", "order"]), row("log", unmet=["order"])))
    assert words.startswith("No system here meets every need. Nearest is Log")


def test_a_bill_that_no_official_page_backs_is_said_to_be_rough():
    official = row("broker")
    assert not [note for note in notes(answer(official)) if "rough" in note]
    guess = replace(official.lines[0], what="worker", assumption=True)
    some = replace(official, lines=[*official.lines, guess])
    backed = "No official page was found to back"
    assert f"{backed} the price of worker: the bill is rough." in notes(answer(some))
    every = replace(official, lines=[guess])
    assert f"{backed} any of these prices: the bill is rough." in notes(answer(every))


def test_it_is_said_what_is_taken_for_granted_of_brokers():
    quiet = answer(row("any"))
    (said,) = [note for note in notes(quiet) if note.startswith("Assumed: ")]
    assert said.startswith("Assumed: no broker, database or cloud service fails, since no fault")
    assert as_data(quiet, "")["assumes"] == said
    fault = {"fault": "leader_crash", "target": "k.broker.0", "at": "10 s", "for": "5 s"}
    kafka = {
        "product": "kafka",
        "topic": {"partitions": 1},
        "producer": {"client": "librdkafka"},
        "publisher": {"order": "produce", "per_message": "1 ms"},
        "groups": {"g": {"consumers": 1, "does": ["job"]}},
    }
    struck = replace(quiet, scenario=scenario(systems={"k": kafka}, faults=[fault]))
    assert not [note for note in notes(struck) if note.startswith("Assumed")]
    assert as_data(struck, "")["assumes"] is None


def test_what_a_system_assumes_of_the_work_is_said_with_it():
    what = "the work waits"
    fast = replace(row("fast"), assumes=what)
    assert closing(answer(fast)).endswith(
        "Take Fast with 3 workers (1.00 USD an hour). That is so where the work waits."
    )
    words = closing(answer(fast, row("slow", usd=2.0)))
    assert "Take Slow with 3 workers (2.00 USD an hour)." in words
    assert words.endswith("Where the work waits, Fast with 3 workers (1.00 USD an hour) would do.")
    assert "Fast" not in closing(answer(row("cheap", usd=0.5), fast))
    assert said(fast) == "everything is processed, where the work waits"
    assert what not in said(replace(row("fast", unmet=["loss"]), assumes=what))
    (of_fast,) = as_data(answer(fast), "")["systems"]
    assert of_fast["assumes"] == what


def test_a_table_row_says_what_rules_a_system_out():
    lossy = row("lossy", unmet=["loss"])
    assert said(lossy) == "2 of 1,000 messages are lost (loss: none)"
    assert table(answer(row("fine"), lossy)).row_count == 2


def test_a_lambda_function_is_a_letter_in_the_table_and_no_worker_in_words():
    seen = replace(GOOD, function=True, workers=1, violations=3)
    use = Use(1.0, 1_000, 300.0, 1, (GroupUse("job", 0, {}, 1_000, 1_000),))
    function = replace(row("function"), trial=Trial({"job": 1}, [seen], {}, use))
    advice = answer(function)
    assert list(table(advice).columns[2].cells) == ["λ"]
    assert closing(advice).endswith("Take Function (1.00 USD an hour).")
    assert "λ is a Lambda function." in notes(advice)[0]
    assert "λ" not in notes(answer(row("workers")))[0]


def test_what_misses_the_pace_alone_with_all_workers_is_worth_more_of_them():
    (slow,) = [j for j in judge(Needs(drain=0.5), [GOOD]) if not j.met]
    late = replace(row("late", workers=4), judged=[slow])
    wrong = row("wrong", unmet=["loss"], workers=4)
    words = closing(replace(answer(late, wrong), most_workers=4))
    assert (
        "Late misses the pace alone, with the most workers that were tried: --max-workers 8 tries "
        "more." in words
    )
    both = replace(late, judged=[slow, *wrong.judged])
    for rows, most in (([late, wrong], 5), ([both, wrong], 4)):
        words = closing(replace(answer(*rows), most_workers=most))
        assert "Give up that need, or take care of it" in words
