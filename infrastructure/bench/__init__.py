"""Measurements; each module prints one figure and how it was taken."""
