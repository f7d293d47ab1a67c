"""Subtomograms: extract, align, average, classify."""
