"""Zoos: trained networks to start from, in a folder or behind an HTTP address, with an index and cards."""
