"""Why a scenario goes wrong, proven: the harms of a run, and what of it they go away without.
Everything that is stated here was run, with the same messages; a guess belongs into `words`.
"""
