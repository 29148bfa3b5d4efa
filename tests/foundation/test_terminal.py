"""What is printed is printed as it is."""

from io import StringIO

from rich.table import Table

from sim.foundation.terminal import terminal, visible


def test_neither_markup_nor_emoji():
    out = terminal(file=StringIO(), width=80)
    table = Table()
    table.add_column("[b]h:100:")
    table.add_row("[red]x:100:y[/red]")
    out.print("bad.yaml:100: [bold]:smile: wrong", style="red")
    out.print(table)
    text = out.file.getvalue()
    assert text.startswith("bad.yaml:100: [bold]:smile: wrong\n")
    assert "[b]h:100:" in text and "[red]x:100:y[/red]" in text


def test_what_steers_a_terminal_is_written_out():
    assert visible("a\x1b[2J\0\r\x9b1m\té\n") == "a\\x1b[2J\\x00\\x0d\\x9b1m\té\n"
