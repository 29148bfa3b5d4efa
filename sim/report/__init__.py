"""A run as one HTML page to send around: its text and layout. The charts in it come from
`sim.charts`, the sentences from `sim.words`.
"""
