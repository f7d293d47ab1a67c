"""Surfaces of segmentations and what can be measured on them."""
