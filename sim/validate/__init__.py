"""A scenario on a real broker, with real clients, beside what the lab says of it: `sim validate`.

`cut` makes it short enough, `plan` says what is sent to whom, `real` is what each broker's module
offers, `server` and `fleet` start processes and end them, `compare` has the figures.
Rules of products do not belong here: what a real system shows is measured, never computed.
"""
