"""Benches: `make bench` runs them and prints the README's table. Ratios to a floor in the same run, medians."""
