"""What keeps the house true."""
