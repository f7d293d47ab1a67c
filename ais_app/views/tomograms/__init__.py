"""The list of tomograms."""
