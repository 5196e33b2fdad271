"""What keeps the house true: waking cases, files dropped off, lost bells, stuck runs."""
