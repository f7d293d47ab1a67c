"""Resources of the window."""
