"""The Render tab: surfaces, volumes, slices and picks in space."""
