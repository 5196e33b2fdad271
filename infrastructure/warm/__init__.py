"""The warm worker's parts: runs that share one process, one event loop and one set of imports."""
