"""Many runs of a scenario: how sure numbers are, what they depend on, and what is enough.

What one run gives belongs in `measure`, and what causes it in `causes`.
"""
