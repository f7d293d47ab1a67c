"""Pieces of file formats that more than one reader or writer needs."""
