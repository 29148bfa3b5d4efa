"""A run as a moving picture: what stays in the log and what goes from the queue. It reads tables
and nothing else.
"""
