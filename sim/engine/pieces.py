"""How a piece of a kernel's work ended: kernels come back now and then, so that Ctrl+C is heard."""

DONE = 0
"""It has come to where it was to go."""
FULL = 1
"""Something is too small to go on: enlarge it, and call again."""
GOES_ON = 2
"""It has taken as many steps as it may at a time: call again."""
