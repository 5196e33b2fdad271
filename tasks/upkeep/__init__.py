"""What keeps the house true: the clock's rounds, what stands still, what sleeps, what was dropped off."""
