"""Numbers and files: no window, no settings, no printing."""
