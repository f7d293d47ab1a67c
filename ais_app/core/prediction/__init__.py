"""The only path from a tomogram to probabilities, and what features do to each other on it."""
