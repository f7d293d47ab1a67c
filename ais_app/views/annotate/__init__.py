"""The Annotate tab: features, tools, boxes."""
