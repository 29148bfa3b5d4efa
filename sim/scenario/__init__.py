"""A scenario file as typed, validated data: workload, systems in the products' own keys, faults,
needs. What a file says and whether it makes sense belongs here; what then happens does not.
"""
