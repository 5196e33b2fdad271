"""The processes, one a module; each reads as the business tells it."""
