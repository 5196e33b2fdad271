"""Real processes killed, stopped and started again while they post: workers, sealer, Prefect's server, the ERP."""
