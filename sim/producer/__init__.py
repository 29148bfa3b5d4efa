"""The producing side of a log: a client that buffers, batches, retries and may die with its
process. Brokers' storage and readers do not belong here.
"""
