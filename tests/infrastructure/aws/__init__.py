"""What AWS is told, and what of it two servers enforce."""
