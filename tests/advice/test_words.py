"""The advice in words."""

from dataclasses import replace

from helpers.advice import GOOD, answer, row
from sim.advice.trial import Trial
from sim.advice.words import closing, notes, said, table
from sim.costs.use import GroupUse, Use


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
