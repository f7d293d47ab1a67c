"""The window: PyQt6 and vispy. Reads state, calls commands, computes nothing."""
