"""What is shown of a tomogram: slices, contrast, thumbnails, colours of overlays. Numbers only, no window."""
