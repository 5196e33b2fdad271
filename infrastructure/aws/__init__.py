"""What AWS is told."""
