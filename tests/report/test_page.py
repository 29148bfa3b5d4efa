"""Whether the report says what the tables say, by itself, and in a real browser to everyone."""

import json
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from helpers import browser
from helpers.inlined import ABOUT, MAKERS, inlined
from helpers.tables import football, hopeless
from sim.charts.plotted import BUCKETS
from sim.foundation.text import clock, count, duration
from sim.report.page import page
from sim.words.findings import headline
from sim.words.opening import cells, columns


@cache
def page_of(name: str) -> str:
    return page(MAKERS[name](), ABOUT, inlined(name), label="made_up/run")


class Outline(HTMLParser):
    """The elements of a page, and what is wrong with their nesting."""

    VOID = ("meta", "link", "br", "path", "use", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.words.append((self.open[-1], data.strip()))


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "crowded"])
def test_the_page_is_whole_and_small_and_needs_nothing_else(name: str) -> None:
    text = page_of(name)
    outline = Outline(text)
    assert outline.open == []
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in outline.tags:
        for key in ("src", "href", "xlink:href"):
            link = attrs.get(key)
            assert link is None or link == "data:," or link[1:] in ids, link
        for named in (attrs.get("aria-labelledby") or "").split():
            assert named in ids
    for used in re.findall(r"url\(([^)]*)\)", text):
        assert used[0] == "#" and used[1:] in ids
    outside = re.sub(r' xmlns(:xlink)?="[^"]*"|/\*! https://github.com/leeoniya/uPlot', "", text)
    outside = outside.replace('"http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|@import|//cdn", outside)
    assert len(text.encode()) < 2_000_000
    assert "$" not in re.sub(r"<script>.*?</script>", "", text, flags=re.S)


def test_the_finding_comes_first_and_every_group_has_a_row() -> None:
    tables = football()
    outline = Outline(page_of("football"))
    first = next(words for tag, words in outline.words if tag in ("h1", "h2", "td"))
    assert unescape(first) == headline(tables.summary, tables.duration_s)
    heads = [attrs.get("scope") for tag, attrs in outline.tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    data = [words for tag, words in outline.words if tag in ("th", "td")]
    for system, group, row in cells(tables):
        at = data.index(group, data.index(system))
        assert data[at + 1 : at + 1 + len(row)] == row
        del data[data.index(system) : at + 1]


def test_what_the_page_quotes_is_escaped_and_complete() -> None:
    text = page_of("ladder")
    assert "<c>" not in text and "Less < more" not in text
    words = [unescape(w) for tag, w in Outline(text).words if tag == "code"]
    assert ABOUT["command"] in words
    assert any("name: made_up" in w for w in words)
    assert "0123456789ab" in text and "kafka 1.5 s" in text


def test_a_chart_with_nothing_to_show_is_a_sentence() -> None:
    text = page_of("brief")
    assert 'id="chart-order"' not in text and 'id="chart-lag"' in text
    assert "<li>No message is processed out of order.</li>" in text
    assert 'id="chart-order"' in page_of("football")


def test_without_charts_the_page_says_how_to_get_them() -> None:
    text = page(football(), ABOUT, label="made_up/run")
    assert "<svg" not in text and "sim report made_up/run" in text


def test_where_the_time_went_has_a_section_with_its_picture_and_words() -> None:
    text = page_of("explained")
    section = text[text.index('<section aria-labelledby="waits">') :].partition("</section>")[0]
    assert section.count("<svg") == 1 and 'id="chart-waits"' in section
    words = [w.replace("\xa0", " ") for tag, w in Outline(section).words if tag == "td"]
    assert words[:4] == [
        "1 h 1 min", "all consumers busy 99 %",
        "2 h 13 min", "all consumers busy 99 %",
    ]  # fmt: skip
    charts = text[text.index('<section aria-labelledby="charts">') :]
    assert 'id="chart-waits"' not in charts and '<a href="#waits">' in text
    without = page_of("football")
    assert "Where the time went" not in without and 'href="#waits"' not in without


def test_limits_that_acted_are_a_table_in_order_of_time() -> None:
    text = page_of("explained")
    section = text[text.index('<section aria-labelledby="limits">') :].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>\n", section[section.index("<tbody>") :])
    said = [
        [unescape(cell).replace("\xa0", " ") for cell in re.findall(r">([^<>]+)</t[hd]>", row)]
        for row in rows
    ]
    assert said == [
        ["kafka_3", "analytics", "max.poll.interval.ms", "5min", "analytics.3", "put it out",
         "once", "0:09", "0:09"],
        ["rabbitmq_quorum_1", "analytics", "prefetch_count", "1", "5 targets",
         "kept <others> from being handed over", "35 times", "1:00", "1:00:00"],
    ]  # fmt: skip
    assert "Limits that acted" not in page_of("football")


LOOK = """
  const width = document.documentElement.clientWidth;
  const boxes = [...document.querySelectorAll("svg")].map((svg) => {
    const box = svg.getBoundingClientRect();
    const around = svg.closest(".panels").getBoundingClientRect();
    const lines = [...svg.querySelectorAll("path")].filter((path) => path.getTotalLength() > 20);
    return {width: box.width, height: box.height, left: around.left, right: around.right,
            spills: box.right > around.right + 1 && !svg.closest(".panels:has(> .wide)"),
            lines: lines.length, letters: svg.querySelectorAll("text").length};
  });
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = window.getComputedStyle(document.body).backgroundColor;
  const faint = [];
  for (const element of document.querySelectorAll("body *:not(script)")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const look = window.getComputedStyle(element);
    const ink = element.ownerSVGElement ? look.fill : look.color;
    const [high, low] = [ink, paper].map(luminance).sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.45) faint.push([element.textContent, ink]);
  }
  return {width, boxes, paper, faint, wide: document.documentElement.scrollWidth};
"""

SAID = """
  const at = (svg, across, up) => {
    const box = svg.getBoundingClientRect();
    const where = {clientX: box.left + across * box.width, clientY: box.top + up * box.height};
    svg.dispatchEvent(new window.PointerEvent("pointermove", {...where, bubbles: true}));
    return [...document.querySelectorAll(".tip > *")].map((line) => line.textContent);
  };
  const svg = document.querySelector("#chart-lag svg");
  svg.scrollIntoView();
  const tip = document.querySelector(".tip");
  const before = tip.hidden;
  const said = at(svg, 0.5, 0.5), shown = !tip.hidden;
  const dots = svg.querySelectorAll("circle").length;
  const beside = at(svg, 0.02, 0.5) && tip.hidden;
  const details = document.querySelector("#chart-lag .numbers");
  details.append(...[]);
  details.open = true;
  details.dispatchEvent(new window.Event("toggle"));
  const rows = [...details.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent));
  document.querySelector("#chart-lag .larger button").click();
  const dialog = document.querySelector("dialog");
  const large = {open: dialog.open, drawn: dialog.querySelectorAll("canvas").length,
                 names: [...dialog.querySelectorAll("th")].map((name) => name.textContent)};
  dialog.close();
  const overview = at(document.querySelector("#chart-overview svg"), 0.25, 0.2);
  return {before, said, shown, dots, beside, rows, large, gone: dialog.open, overview};
"""


@browser.needs_browser
@pytest.mark.parametrize(("width", "flags"), [(1280, ()), (390, browser.DARK)])
def test_a_chart_says_its_numbers_under_the_pointer_enlarged_and_as_a_table(
    site: browser.Site, width: int, flags: tuple[str, ...]
) -> None:
    tables = MAKERS["ladder"]()
    seen = site.see("ladder.html", width, SAID, *flags)
    system = str(tables.summary["system"].iloc[0])
    mine = tables.series[tables.series["system"] == system]
    groups = list(dict.fromkeys(mine["group"].astype(str)))
    assert seen["before"] and seen["shown"] and seen["beside"]
    assert seen["said"][0].startswith(f"{system}, ")
    assert [line.partition(":")[0] for line in seen["said"][1:]] == groups
    assert seen["dots"] == len(groups)
    assert seen["large"] == {"open": True, "drawn": 1, "names": ["time", *groups]}
    assert not seen["gone"]
    assert seen["overview"][0].startswith(f"{system}, ") and ": " in seen["overview"][1]
    head, *rows = seen["rows"]
    assert head[0] == "time" and head[1] == f"{system} {groups[0]}" and len(rows) <= 31
    first = mine[mine["group"] == groups[0]]
    near_s = 2 * tables.series["t_s"].max() / BUCKETS
    said = {clock(t): t for t in first["t_s"]}
    for at, lag in ((row[0], row[1]) for row in rows if row[0] in said and row[1]):
        near = first[(first["t_s"] - said[at]).abs() <= near_s]
        assert lag in set(map(count, near["lag"])), at


@browser.needs_browser
def test_numbers_are_said_as_elsewhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    values = [0.0, *(10.0 ** rng.uniform(-5, 7, 300)).tolist(), 59.4, 59.6, 599.0, 172_900.0]
    script = files("sim.report").joinpath("say.js").read_text(encoding="utf-8")
    page = (
        f'<meta charset="utf-8"><body><script>{script}\n'
        f"window.said = {json.dumps(values)}.map((value) => "
        "[SAY.duration(value), SAY.count(value), SAY.clock(value)]);</script>"
    )
    (tmp_path / "say.html").write_text(page, encoding="utf-8")
    with browser.site(tmp_path) as served:
        seen = served.see("say.html", 500, "return window.said;")
    for value, (lasts, counted, at) in zip(values, seen, strict=True):
        said = (duration(value), count(value), clock(value))
        assert (lasts, counted, at) == said or abs(value * 2 % 1) < 1e-6, value


SORT = """
  const table = document.querySelector("table.sortable");
  const order = () => [...table.tBodies[0].rows].map((row) => row.textContent);
  const column = (heading) => {
    const cells = [...table.tHead.rows[0].cells];
    const at = cells.findIndex((cell) => cell.textContent === heading);
    const button = cells[at].querySelector("button");
    button.focus();
    const focused = document.activeElement === button;
    button.click();
    return {focused, sort: cells[at].getAttribute("aria-sort"),
            texts: [...table.tBodies[0].rows].map((row) => row.cells[at].textContent)};
  };
  const before = order();
  const pressed = HEADINGS.map(column);
  return {before, after: order(), pressed, sorts: table.querySelectorAll("[aria-sort]").length};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Site]:
    folder = tmp_path_factory.mktemp("site")
    for name in ("crowded", "ladder", "explained"):
        (folder / f"{name}.html").write_text(page_of(name), encoding="utf-8")
    (folder / "hopeless.html").write_text(page(hopeless(), ABOUT), encoding="utf-8")
    with browser.site(folder) as served:
        yield served
    assert served.said == [], "pages complained on the console"
    asked = {path for path in served.asked if path != "/favicon.ico"}
    assert asked <= {
        "/probe.html",
        "/crowded.html",
        "/ladder.html",
        "/explained.html",
        "/hopeless.html",
    }


@browser.needs_browser
@pytest.mark.parametrize(
    ("name", "width", "flags"),
    [
        ("ladder", 1280, ()),
        ("crowded", 390, ()),
        ("ladder", 390, browser.DARK),
        ("explained", 1280, browser.DARK),
        ("explained", 390, ()),
    ],
)
def test_charts_are_visible_within_the_page_and_letters_can_be_read(
    site: browser.Site, name: str, width: int, flags: tuple[str, ...]
) -> None:
    seen = site.see(f"{name}.html", width, LOOK, *flags)
    assert seen["width"] == width >= seen["wide"]
    assert seen["paper"] == ("rgb(20, 20, 20)" if flags else "rgb(255, 255, 255)")
    assert len(seen["boxes"]) == page_of(name).count("<svg")
    for box in seen["boxes"]:
        assert box["width"] > 250 and box["height"] > 100 and not box["spills"], box
        assert box["left"] >= 0 and box["right"] <= width, box
        assert box["lines"] > 3 and box["letters"] > 3, box
    assert seen["faint"] == []


@browser.needs_browser
def test_the_table_sorts_by_what_is_pressed(site: browser.Site) -> None:
    headings = '["lag or depth", "lag or depth", "time to drain", "group"]'
    seen = site.see("hopeless.html", 1280, SORT.replace("HEADINGS", headings))
    down, up, drained, groups = seen["pressed"]
    lags = hopeless().summary["max_lag"].to_numpy()
    lag = list(columns(hopeless())).index("lag or depth")
    said = [row[lag] for _, _, row in cells(hopeless())]
    by_lag = [said[i] for i in np.argsort(-lags, kind="stable")]
    assert down["texts"] == by_lag and down["sort"] == "descending"
    assert [*reversed(up["texts"])] == by_lag and up["sort"] == "ascending"
    assert drained["texts"][0] == "never" and drained["sort"] == "descending"
    assert groups["texts"] == sorted(groups["texts"]) and groups["sort"] == "ascending"
    assert all(pressed["focused"] for pressed in seen["pressed"])
    assert sorted(seen["after"]) == sorted(seen["before"]) != seen["before"]
    assert seen["sorts"] == 2 + len(columns(hopeless()))


@browser.needs_browser
def test_it_is_light_or_dark_as_wished_and_white_on_paper(
    site: browser.Site, tmp_path: Path
) -> None:
    shades = {}
    for name, flags in (("light", ()), ("dark", browser.DARK)):
        picture = site.screenshot("ladder.html", tmp_path / f"{name}.png", 1280, 2_600, *flags)
        shades[name] = imread(picture)[..., :3]
        assert shades[name].shape[:2] == (2_600, 1280)
    assert shades["light"].mean() > 0.9 and shades["dark"].mean() < 0.25
    assert shades["light"].std() > 0.05 and shades["dark"].std() > 0.05
    printed = site.pdf("ladder.html", tmp_path / "ladder.pdf").read_bytes()
    assert printed.startswith(b"%PDF") and 4 <= len(re.findall(rb"/Type /Page\b", printed)) <= 40
