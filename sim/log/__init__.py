"""The log mechanism: topics that keep records, and groups that read them at their own offsets.
Stages, kernels and coordinators belong here; which product's keys set them up does not.
"""
