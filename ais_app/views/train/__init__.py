"""The Train tab: settings, runs, curves, models and their interactions."""
