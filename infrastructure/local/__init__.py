"""The laptop stack: the real parts, on loopback."""
