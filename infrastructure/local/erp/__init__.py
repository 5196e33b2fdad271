"""A real ERP on a laptop: Tryton in an environment of its own, one SQLite file, a small hospital in it."""
