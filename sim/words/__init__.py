"""From tables to sentences: findings, the timeline, what runs differ in. Nothing here computes
what is not in the tables, and nothing here draws.
"""
