"""What Prefect is told to do and to leave: environment of its server and of our workers."""

SERVER: dict[str, str] = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # no report to the vendor
}

WORKER: dict[str, str] = {
    "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,almoner",  # their lines belong to the run
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # outside a run they are the terminal's
}
