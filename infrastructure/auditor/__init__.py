"""What an auditor is given to check our evidence with: it imports nothing of ours."""
