"""The answer in words: gone after it is read, or still there? And the table under it."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from sim.advice.advise import Advice, Row, assumed
from sim.foundation.text import count, duration, messages, names, share
from sim.scenario.needs import Needs
from sim.words.needs_met import NOTHING_LEFT, keeps_pace, missed


def closing(advice: Advice) -> str:
    """Which way to go and why, in a few sentences."""
    fit = advice.fit
    if not fit:
        return _none(advice)
    best = fit[0]
    sure = [row for row in fit if not row.assumes] or fit
    gone = [row for row in sure if row.gone]
    there = [row for row in sure if not row.gone]
    sentences = []
    if gone and there:
        other = (there if best.gone else gone)[0]
        way = "gone after they are read" if best.gone else "still there after they are read"
        sentences.append(
            f"Either will do: messages may be gone after they are read, or still be there. "
            f"The bill decides, for messages that are {way}: {_offer(best)} against "
            f"{_offer(other)}."
        )
    elif there:
        sentences.append(
            "You need the messages still there after they are read: a log."
            if advice.needs.replay == "required"
            else "Nobody asks for the messages to be still there after they are read, and yet a "
            "log is the way to go."
        )
        sentences.append(f"Take {_offer(best)}.")
        sentences += _against([row for row in advice.rows if row.gone], "no queue here will do")
    else:
        sentences.append("You need each message gone once it is processed: a queue.")
        sentences.append(f"Take {_offer(best)}.")
        sentences += _against([row for row in advice.rows if not row.gone], "no log here will do")
    if others := [row for row in sure[1:] if not (gone and there) or row.gone == best.gone]:
        also = names([f"{row.title} ({row.usd_per_hour:,.2f} USD an hour)" for row in others[:3]])
        sentences.append(f"{also} would do as well.")
    sentences += _but_for_senders(advice)
    if best.alone is not None and advice.needs.max_delay is not None:
        worst = best.alone.worst("behind_s")
        sentences.append(
            f"It takes {best.team}: with one, a message waits {_long(worst.behind_s)}."
        )
    if best.more is not None and not best.own:
        sentences.append(f"{_more(best, advice.needs)}.")
    sentences += yours(advice)
    if best.assumes:
        sentences.append(f"That is so where {best.assumes}.")
    sentences += [
        f"Where {row.assumes}, {_offer(row)} would do."
        for row in fit
        if row.assumes and row is not best and row.usd_per_hour < best.usd_per_hour
    ]
    if best.spared:
        sentences.append(
            f"Nothing here tells how it takes {names(list(best.spared))}: the lab has no such part "
            "of it."
        )
    return " ".join(sentences)


def table(advice: Advice) -> Table:
    """A row for each system, best first: what it takes, what it costs, what rules it out."""
    out = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1), show_edge=False, expand=True
    )
    out.add_column("", no_wrap=True)
    out.add_column("system", ratio=3)
    out.add_column("workers", justify="right", no_wrap=True)
    out.add_column("USD/h", justify="right", no_wrap=True)
    out.add_column("USD/month", justify="right", no_wrap=True)
    out.add_column("what was seen", ratio=5)
    month = advice.prices.hours_per_month
    for rank, row in enumerate(advice.rows, 1):
        out.add_row(
            f"{rank}" if not row.unmet else "-",
            row.title,
            "+".join(str(group.workers or "λ") for group in row.trial.use.groups),
            f"{row.usd_per_hour:,.3f}",
            f"{row.usd_per_hour * month:,.0f}",
            said(row),
        )
    return out


def said(row: Row) -> str:
    """What rules the system out; if nothing does, that all needs are met."""
    if row.unmet:
        return missed(row.unmet)
    where = f", where {row.assumes}" if row.assumes else ""
    stated = [j.said for j in row.judged if j.need != NOTHING_LEFT]
    return "; ".join(stated or [j.said for j in row.judged]) + where


def notes(advice: Advice) -> list[str]:
    """What a reader should know of how the numbers came about."""
    out = [
        f"{count(advice.messages)} messages at scale {advice.scale:g}, "
        f"{sum(row.trials for row in advice.rows)} simulated runs of {len(advice.rows)} systems "
        f"that apply, at most {advice.most_workers} workers a group. Workers are those of "
        f"{' + '.join(advice.scenario.workload.service)}; a log has a partition for each of the "
        "largest group."
        + (" λ is a Lambda function." if any(_function(row) for row in advice.rows) else ""),
        "Where nothing else is said, a worker has one message at a time, and is billed as a "
        "process of its own; if the work waits for others, many workers fit into one.",
        *filter(None, [assumed(advice)]),
        f"Prices of {advice.prices.date}, {advice.prices.region}: requests, brokers, storage, "
        "traffic between zones and worker processes (sim/costs/prices.yaml).",
    ]
    if advice.reduced < 1:
        out.append(
            f"That is {share(advice.reduced, 1)} of the scenario's traffic: workers and requests "
            f"of all of it are {1 / advice.reduced:.3g} times as many, if no single key is too hot "
            "for its partition then."
        )
    lines = [line for row in advice.rows for line in row.lines]
    if rough := sorted({line.what for line in lines if line.assumption}):
        all_of_them = all(line.assumption for line in lines)
        which = "any of these prices" if all_of_them else f"the price of {names(rough)}"
        out.append(f"No official page was found to back {which}: the bill is rough.")
    spared: dict[tuple[str, ...], list[str]] = {}
    for row in advice.rows:
        if row.spared:
            spared.setdefault(tuple(row.spared), []).append(row.preset)
    for faults, rows in spared.items():
        out.append(f"Not struck, having no such part: {names(rows)} by {names(faults)}.")
    return out


def _function(row: Row) -> bool:
    return any(seen.function for seen in row.trial.seen)


def _offer(row: Row) -> str:
    team = f" with {row.team}" if row.team else ""
    return f"{row.title}{team} ({row.usd_per_hour:,.2f} USD an hour)"


def _long(seconds: float) -> str:
    return f"up to {duration(seconds)}"


def _against(rows: Sequence[Row], conclusion: str) -> list[str]:
    """Why none of the other kind is fit: the needs that all of them fail, or each its own."""
    if not rows:
        return []
    common = [
        j.need for j in rows[0].unmet if all(j.need in [o.need for o in r.unmet] for r in rows)
    ]
    nearest = next((row for row in rows if not row.own), rows[0])
    chosen = [j for j in nearest.unmet if j.need in common] or nearest.unmet
    why = names([f"`{need}`" for need in (common or sorted({j.need for j in nearest.unmet}))])
    return [
        f"Because of {why} {conclusion}: with {nearest.title}, {names([j.said for j in chosen])}."
    ]


def _none(advice: Advice) -> str:
    nearest = advice.rows[0]
    if advice.hottest is not None and advice.hottest.never_done:
        return " ".join([advice.hottest.said(), *yours(advice)])
    return (
        f"No system here meets every need. Nearest is {_offer(nearest)}, but "
        f"{missed(nearest.unmet)}. "
        f"{' '.join([*(_but_for_senders(advice) or [_way_out(advice)]), *yours(advice)])}"
    )


def _but_for_senders(advice: Advice) -> list[str]:
    """FIFO queues that would do, if their senders did not overtake each other."""
    rows = [row for row in advice.rows if row.overtaken_by_senders and len(row.unmet) == 1]
    if not rows:
        return []
    return [
        f"{names([_offer(row) for row in rows])} would do if one sender had all messages of a key: "
        "a FIFO queue keeps the order in which it is sent messages, and here several threads send "
        "at once."
    ]


def _way_out(advice: Advice) -> str:
    """What to do where nothing meets all needs."""
    most = advice.most_workers
    slow = [
        row.title
        for row in advice.rows
        if row.slow_alone and not row.own and most in row.trial.workers.values()
    ]
    if not slow:
        return "Give up that need, or take care of it in the application."
    misses = "misses" if len(slow) == 1 else "miss"
    return (
        f"{names(slow)} {misses} the pace alone, with the most workers that were tried: "
        f"--max-workers {2 * most} tries more."
    )


def yours(advice: Advice) -> list[str]:
    """What the scenario's own systems meet and miss, and what two more workers would change."""
    own = [row for row in advice.rows if row.own]
    out = []
    if fit := [row.title.removeprefix("yours: ") for row in own if not row.unmet]:
        out.append(f"Of yours, {names(fit)} meet{'s' if len(fit) == 1 else ''} every need.")
    for row in own:
        if row.unmet:
            out.append(f"Yours, {row.title.removeprefix('yours: ')}: {missed(row.unmet)}.")
            if row.more is not None and _waits(row, advice.needs):
                out.append(f"{_more(row, advice.needs)}.")
    return out


def _waits(row: Row, needs: Needs) -> bool:
    """Whether a system misses a need that more workers may meet."""
    return not all(keeps_pace(needs, seen) for seen in row.trial.seen)


MATTERS = 0.1
"""A change of the delay below this part is none."""


def _more(row: Row, needs: Needs) -> str:
    """What two more workers of each group do to the delay, or to what is left."""
    assert row.more is not None
    before, after = row.trial.worst("delay_s"), row.more.worst("delay_s")
    team = "Two more workers" + (" of each job" if len(row.trial.workers) > 1 else "")
    left = (row.trial.sum("unfinished"), row.more.sum("unfinished"))
    if any(left):
        if left[1] >= (1 - MATTERS) * left[0]:
            return f"{team} change nothing: {messages(left[1])} would be left"
        return f"{team} would leave {messages(left[1])} of {count(left[0])}"
    enough = all(keeps_pace(needs, seen) for seen in row.more.seen)
    met = ", which is enough" if enough and _waits(row, needs) else ""
    if after.delay_s > (1 - MATTERS) * before.delay_s:
        return f"{team} change nothing: {_quantile(needs)} takes {duration(after.delay_s)}"
    took = f"from {duration(before.delay_s)} to {duration(after.delay_s)}"
    return f"{team} take {_quantile(needs)} {took}{met}"


def _quantile(needs: Needs) -> str:
    return "the longest" if needs.quantile == 1 else f"p{100 * needs.quantile:.6g}"
