"""Files of Ais, read without running anything in them."""
