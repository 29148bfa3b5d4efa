"""The queue mechanism: messages that go once they are acknowledged, and consumers that compete.
Stages, kernels and fleets belong here; which product's keys set them up does not.
"""
