"""From a scenario's workload to messages: when each is created, with which key, and how much work
it is. Random draws of a workload belong here; what systems do with the messages does not.
"""
