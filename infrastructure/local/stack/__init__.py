"""The laptop stack: every server a developer needs, started, watched and stopped by one supervisor."""
