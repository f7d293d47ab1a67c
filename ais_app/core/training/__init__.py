"""Sampling, augmentation, losses, metrics and the training loop."""
