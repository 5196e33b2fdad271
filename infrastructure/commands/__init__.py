"""The commands of `almoner`, a module each; imported when called (see infrastructure/cli.py)."""
