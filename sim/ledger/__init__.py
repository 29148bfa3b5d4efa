"""Books of accounts kept from effects, and what is wrong with them at the end. What a lifecycle is
belongs here; how its events travelled does not.
"""
