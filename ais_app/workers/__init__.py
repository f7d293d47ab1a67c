"""The bridge between jobs and the window: runs them off the main thread, drops stale answers."""
