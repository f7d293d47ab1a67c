"""What can be done to volumes as such: looked at, cropped, binned, rescaled, turned into another type."""
