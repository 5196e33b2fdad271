"""Policy as pure functions of records: no clock, no network, no Prefect."""
