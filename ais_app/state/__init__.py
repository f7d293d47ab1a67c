"""What a person has open: the project file, its labels, boxes, features and history. No window."""
