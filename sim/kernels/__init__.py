"""The compiled loops: what happens to every message between two control events.

Kernels take NumPy arrays and scalars, know nothing of the rest of the project, and can be
stopped at any time and resumed with a bit-identical result.
"""
