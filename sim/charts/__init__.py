"""Tables as pictures.

Each chart takes the tables of a run, and axes to draw on, one per panel; without axes it makes a
page of its own, in the style of `style`. It returns the axes and neither runs a simulation nor
reads a file. The title of a page states what the numbers say (`sim.words.findings`).

Importing this package imports matplotlib: do it where something is drawn, not at start-up.
"""

from sim.charts.bars import duplicates, loss, replay
from sim.charts.burrow import status
from sim.charts.files import CHARTS, LEDGER_CHARTS, LOG_CHARTS, TIME_CHARTS, write_all
from sim.charts.inline import Inline, inline, write_and_inline
from sim.charts.ledger import books, buffer, harms, price
from sim.charts.measured import measured_lag, measured_time_lag, write_measured
from sim.charts.over_time import lag, order, throughput, time_lag
from sim.charts.page import style
from sim.charts.plane import plane
from sim.charts.quantiles import latency
from sim.charts.runs import compare, comparison
from sim.charts.side_by_side import overview
from sim.charts.waits import waits

__all__ = [
    "CHARTS",
    "LEDGER_CHARTS",
    "LOG_CHARTS",
    "TIME_CHARTS",
    "Inline",
    "books",
    "buffer",
    "compare",
    "comparison",
    "duplicates",
    "harms",
    "inline",
    "lag",
    "latency",
    "loss",
    "measured_lag",
    "measured_time_lag",
    "order",
    "overview",
    "plane",
    "price",
    "replay",
    "status",
    "style",
    "throughput",
    "time_lag",
    "waits",
    "write_all",
    "write_and_inline",
    "write_measured",
]
