"""The products that the lab knows, each configured by its own documented keys and defaults. Keys,
their limits and what contradicts itself within one product belong here; what a product does, not.
"""
