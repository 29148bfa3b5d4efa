"""What the notebooks stand on: their small scenarios, and the drawings and tables of a lesson.
It ships with the package, so that a notebook begins with what it says and not with code.
"""
