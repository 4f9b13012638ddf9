"""Arithmetic: pure functions that Numba compiles and that also run as plain Python, bit for bit the same."""
