"""What a system costs a month: what a run used of it, times list prices.

`use` says what was used, `amounts` what of that each product bills, `prices` what it costs, with
the source of each price, and `bill` multiplies. What a bill says of two systems is in `words`.
"""
