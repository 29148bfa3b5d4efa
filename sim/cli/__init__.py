"""The command `sim`: its arguments, and what it prints. Nothing is computed here that the Python
interface could not give.
"""
