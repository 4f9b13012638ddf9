"""The exchange without sockets: instruments, accounts, books and matching as a deterministic state machine.

Whole numbers throughout: prices are ticks, quantities lots, amounts of a coin units of 1e-8. Nothing here knows a
word of a venue, reads a clock or draws a random number; commands carry their time, and what happened is told as events.
"""
