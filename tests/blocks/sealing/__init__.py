"""The Merkle log."""
