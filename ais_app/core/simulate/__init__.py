"""Phantom tomograms with exact ground truth."""
