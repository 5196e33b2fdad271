"""What Prefect is told to do and to leave: environment of its server and of our workers.

Measured with `tests.bench.bare`, one case of six tasks and one wait, CPU of worker, server
and database together. Each line says why it is there; what is not here stays as Prefect has it.
"""

SERVER: dict[str, str] = {
    # Nothing leaves the house.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Events are what runs cost most after their end: write them in batches, not one by one.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "2",
    # Task runs too; a second late in the dashboard. Whole seconds: 0.5 is rounded to 0 and spins.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # No automations: the house's own upkeep acts, and each event would be weighed against them.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    # Our waits have no end of Prefect's making; it would look through all of them every 5 s.
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    # There is no infrastructure to clean up after: runs live in the worker's process.
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED": "false",
    # Not every 5 s: late runs and changed schedules may be noticed after half a minute.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
    # Three rounds of upkeep ahead, not a hundred: they bury the cases in the list of runs. Whoever runs every ten
    # seconds is then planned for the next thirty: to plan once a minute, as Prefect does, leaves half of it out.
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "3",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "1",
    # Who has missed three heartbeats is noticed within four seconds, not fifteen.
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "4",
    # Keep connections: clients' beyond 5 s of silence, the database's beyond the first five.
    "PREFECT_SERVER_API_KEEPALIVE_TIMEOUT": "120",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "15",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "5",
    # The server has more kinds of statement than the 100 a connection keeps prepared.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_PREPARED_STATEMENT_CACHE_SIZE": "1000",
}

WORKER: dict[str, str] = {
    # What flows and tasks log belongs to their run in the dashboard.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,almoner",
    # Outside a run the same loggers speak to the terminal only.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # The terminal gets what is wrong; the story of each run is in the dashboard.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
    "PREFECT_LOGGING_COLORS": "false",
    # Spans for a tracing service nobody has connected.
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    # Server and worker are installed together: no question about each other's version.
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    # The server hands out no such tokens; not asking saves a round trip a client.
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    # A missing address is an error, never a throw-away server started on the side.
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # JSON, should anybody keep a result: never pickle. Ours keep none: what must be kept, the process keeps itself.
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "DO_NOT_TRACK": "1",
}
