"""How time passes: the joint of SimPy and the data plane, and what a system offers to the run.
Protocols and hand-over types belong here; no mechanism and no product does.
"""
