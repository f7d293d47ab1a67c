"""What a person can call by menu, key or name: one record per action."""
