"""One module a product: from its configuration to stages of the log or the queue. A preset's keys
are in `sim.scenario.products`; the mechanisms are in `sim.log` and `sim.queue`.
"""
