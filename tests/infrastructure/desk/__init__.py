"""The Slack desk, used as Slack is used."""
