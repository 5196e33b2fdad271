"""The outside, by its ports."""
