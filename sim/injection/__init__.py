"""How faults happen: when each strikes, whom, and what is then done to consumers, groups, a
publisher and brokers. What faults there are is said in `sim.scenario.faults`; what becomes of
messages, by the stages.
"""
