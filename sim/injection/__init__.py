"""How faults happen: when each strikes, whom, and what is then done to consumers and groups. What
faults there are is said in `sim.scenario.fault`; what they do to messages, by the stages.
"""
