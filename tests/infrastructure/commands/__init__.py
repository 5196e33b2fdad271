"""What the commands print and do."""
