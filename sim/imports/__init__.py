"""What people have, read from files: lag exports, configurations, benchmark workloads. Formats of
other tools belong here; results of the lab do not.
"""
