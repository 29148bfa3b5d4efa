"""Which systems meet the needs of a workload, with how many workers, and at what price.

Every answer comes from simulated runs: `trial` makes one, `search` looks for the fewest workers
that keep the pace, `sim.words.needs_met` holds what was seen against the needs, `sim.costs`
prices it, and `words` says it. The systems are in `presets.yaml`.
"""
