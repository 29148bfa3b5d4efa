"""What a run gives and how it is kept: the `Result`, its folder on disk, results side by side.
Drawing, words and measuring are other rooms' work, which this one calls.
"""
