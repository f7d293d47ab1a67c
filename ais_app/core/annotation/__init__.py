"""What a person marks: labels, the tools that paint them as pure functions that return an `Edit`, boxes."""
