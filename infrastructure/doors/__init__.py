"""The doors: small HTTP handlers for Slack, events and the bell. They import neither Prefect nor a process."""
