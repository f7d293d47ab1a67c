"""The slice view: panes, what lies over the image, contrast and filters."""
