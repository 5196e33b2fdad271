"""The fault matrix: what fails between us and everything outside, row by row, and the guard that holds it."""
