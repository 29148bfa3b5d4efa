"""What can go wrong in a scenario: a class for each fault, with its keys, what it can strike and
its words in the timeline belongs here. What a fault then does is `sim.injection`'s affair.
"""
