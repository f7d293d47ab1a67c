"""Files shipped with the program: density maps, presets, style."""
