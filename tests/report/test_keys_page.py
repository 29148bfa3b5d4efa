"""The reference as a page and as Markdown: nothing is lost, and nothing breaks the table."""

import re
from html.parser import HTMLParser

from sim.report.keys_page import html, markdown
from sim.scenario.reference import Chapter, KeyRow, Section, parts

SECTION = Section(
    "sqs.queues",
    "systems.NAME.queues.NAME",
    "A queue, see https://example.org/a_b.",
    ("https://example.org/docs#x",),
    (
        KeyRow("a|b", "`x`, `y`", "`1`", "Less than <b> & more; as https://example.org/s says."),
        KeyRow("c.d", "[a mapping](#sqs.queues)", "required", "…"),
    ),
    (("a|b",), ("c.d", "e")),
    {"Policy": "", "Kms": "no keys here", "Arn": "", "Sse": "no keys here"},
)
PART = Chapter("Amazon SQS", (SECTION,))


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links, self.cells, self.open = [], [], 0, []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []
        self.cells += tag == "td"
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_markdown_has_a_row_for_each_key_and_an_anchor():
    text = markdown([PART])
    assert "[Amazon SQS](#amazon-sqs)" in text
    rows = [line for line in text.splitlines() if line.startswith('| <a id="')]
    assert [len(re.split(r"(?<!\\)\|", row)) for row in rows] == [6, 6]
    assert '<a id="sqs.queues:a|b"></a>`a\\|b`'.replace("a|b", "a\\|b") in rows[0]
    assert "Exactly one of: `a|b`; `c.d` and `e`." in text
    assert "<https://example.org/docs#x>" in text
    assert "Accepted, without effect: 4" in text
    assert "\n- `Policy`, `Arn`.\n- `Kms`, `Sse`: no keys here.\n" in text


def test_the_page_is_well_formed_and_its_links_lead_somewhere():
    page = _Page()
    text = html([PART])
    page.feed(text)
    assert page.open == []
    assert page.cells == 8
    assert {"sqs.queues", "sqs.queues:a|b", "sqs.queues:c.d", "part-amazon-sqs"} <= set(page.ids)
    for link in page.links:
        assert link.startswith("https://") or link[1:] in page.ids, link
    assert "Less than &lt;b&gt; &amp; more" in text
    assert '<a href="https://example.org/s">https://example.org/s</a> says' in text
    assert "<code>x</code>, <code>y</code>" in text


def test_the_whole_page_has_every_key_once():
    page = _Page()
    text = html(parts())
    page.feed(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    wanted = {f"{s.anchor}:{k.name}" for p in parts() for s in p.sections for k in s.keys}
    assert wanted <= set(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} - set(page.ids) == {"faults"}
    assert "src=" not in text and "<link" not in text  # it needs no other file
