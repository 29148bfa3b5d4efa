"""What every room stands on: errors for people, numbers in words, units, typed configuration, and
YAML that remembers its lines. Nothing here knows what a message, a queue or a log is.
"""
