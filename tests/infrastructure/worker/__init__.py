"""The warm worker, on a real Prefect server."""
