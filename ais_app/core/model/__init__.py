"""A network with its card, and the package it is kept in."""
