"""What a person marks: labels, brush strokes, boxes."""
