"""A durable queue of operations."""
