"""Block Kit as Slack accepts it: which blocks, which fields, how long."""
