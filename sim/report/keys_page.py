"""The reference of all keys for people: one page in a browser, or one of Markdown.

Neither says anything that `sim.scenario.reference` does not.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template

from sim.scenario.reference import Chapter, KeyRow, Section

PAGE = "reference.html"
"""Name of the page in a folder."""
_HEAD = """\
# Reference: every key of a scenario

Made by `sim docs --markdown` from the models that check a scenario; do not edit. `sim docs -o DIR`
writes the same as one HTML page with a search. How to write a scenario is in [the pages
beside](README.md).

A duration is written `5 ms`, `90 s`, `1h30m`; a bare number is in the unit that the table gives.
A rate is `300/s` or `120/min`, a size `300 B`, `16 KiB`, `1 MB`, a number `2_000` or `2e6`. "By
name" is a mapping from names that you choose; where a default is "not set", the text says what
holds then. Every key in a table has an effect in a run, in the settings that its text names.
Below a table stand the keys that the product has and the lab does not model: they are accepted
with a warning. Any other key is an error. Ids such as KC-04 name a rule of a product, with its
tests: `python tests/tools/rules.py`.
"""


def markdown(parts: Sequence[Chapter]) -> str:
    """All keys as one text: a table a section, an anchor a key."""
    lines = [_HEAD, " · ".join(f"[{part.title}](#{_slug(part.title)})" for part in parts), ""]
    for part in parts:
        lines += [f"## {part.title}", ""]
        for section in part.sections:
            lines += [*_of_section(section), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _slug(title: str) -> str:
    """What a heading is called in the address of a Markdown page."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _of_section(section: Section) -> Iterator[str]:
    yield f'### <a id="{section.anchor}"></a>`{section.path or "the file"}`'
    yield ""
    yield from _said(section)
    if section.keys:
        yield "| key | what it may be | default | what it is for |"
        yield "|---|---|---|---|"
    for key in section.keys:
        cells = (_anchored(section, key), key.kind, key.default, key.about)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    if section.not_modelled:
        yield ""
        yield "<details><summary>"
        yield f"Accepted, without effect: {len(section.not_modelled)}</summary>"
        yield ""
        yield from (f"- {words}" for words in _without_effect(section))
        yield ""
        yield "</details>"


def _said(section: Section) -> Iterator[str]:
    """What stands above the table."""
    if section.about:
        yield section.about
        yield ""
    if section.one_of:
        sets = "; ".join(" and ".join(f"`{key}`" for key in keys) for keys in section.one_of)
        yield f"Exactly one of: {sets}."
        yield ""
    others = [source for source in section.sources if source not in section.about]
    if others:
        yield f"Names and defaults: {', '.join(f'<{source}>' for source in others)}."
        yield ""


def _anchored(section: Section, key: KeyRow) -> str:
    return f'<a id="{section.anchor}:{key.name}"></a>`{key.name}`'


def _without_effect(section: Section) -> Iterator[str]:
    """The keys that have no effect, by the reason why."""
    by_reason: dict[str, list[str]] = {}
    for key, why in (section.not_modelled or {}).items():
        by_reason.setdefault(why, []).append(f"`{key}`")
    for why, keys in by_reason.items():
        yield f"{', '.join(keys)}{f': {why}' if why else ''}."


def html(parts: Sequence[Chapter]) -> str:
    """All keys as a page that needs no other file; it reads well without its script."""
    contents = "".join(
        f'<li><a href="#part-{_slug(part.title)}">{escape(part.title)}</a></li>' for part in parts
    )
    body = "".join(
        f'<div class="part"><h2 id="part-{_slug(part.title)}">{escape(part.title)}</h2>'
        + "".join(_html_of_section(section) for section in part.sections)
        + "</div>"
        for part in parts
    )
    text = files("sim.report").joinpath("keys.html").read_text(encoding="utf-8")
    return Template(text).substitute(contents=contents, body=body)


def _html_of_section(section: Section) -> str:
    above = "".join(f"<p>{_inline(line)}</p>" for line in _said(section) if line)
    rows = "".join(_html_of_key(section, key) for key in section.keys)
    head = "<tr><th>key</th><th>what it may be</th><th>default</th><th>what it is for</th></tr>"
    table = f'<div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
    return (
        f'<section id="{escape(section.anchor)}"><h3><code>{escape(section.path or "the file")}'
        f"</code></h3>{above}{table if rows else ''}{_html_without_effect(section)}</section>"
    )


def _html_of_key(section: Section, key: KeyRow) -> str:
    anchor = escape(f"{section.anchor}:{key.name}")
    cells = "".join(f"<td>{_inline(words)}</td>" for words in (key.kind, key.default, key.about))
    name = f'<a href="#{anchor}"><code>{escape(key.name)}</code></a>'
    return f'<tr id="{anchor}"><td>{name}</td>{cells}</tr>'


def _html_without_effect(section: Section) -> str:
    if not section.not_modelled:
        return ""
    said = "".join(f"<li>{_inline(words)}</li>" for words in _without_effect(section))
    count = len(section.not_modelled)
    return f"<details><summary>Accepted, without effect: {count}</summary><ul>{said}</ul></details>"


_MARKS = re.compile(
    r"`([^`]+)`|\[([^\]]+)\]\((#[^)\s]+)\)|<(https?://[^>]+)>|(https?://[^\s)]+[\w/])"
)


def _inline(words: str) -> str:
    """Code, links and addresses in a text; all else as it is."""
    out, at = [], 0
    for mark in _MARKS.finditer(words):
        out.append(escape(words[at : mark.start()], quote=False))
        code, label, anchor, bracketed, bare = mark.groups()
        address = bracketed or bare
        if code is not None:
            out.append(f"<code>{escape(code, quote=False)}</code>")
        elif label is not None:
            out.append(f'<a href="{escape(anchor)}">{escape(label, quote=False)}</a>')
        else:
            out.append(f'<a href="{escape(address)}">{escape(address, quote=False)}</a>')
        at = mark.end()
    return "".join([*out, escape(words[at:], quote=False)])
