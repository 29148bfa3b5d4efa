"""Many runs of a scenario: how sure numbers are, and what they depend on: replications, sweeps.

What one run gives belongs in `measure`, and what causes it in `causes`.
"""
