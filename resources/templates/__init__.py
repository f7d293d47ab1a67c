"""Density maps for simulated tomograms; sources and licences in README.md."""
