"""Many runs of a scenario, and how sure their numbers are: replications.

What one run gives belongs in `measure`, and what causes it in `causes`.
"""
