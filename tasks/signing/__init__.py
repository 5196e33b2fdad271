"""What people sign with a passkey, and what it opens: approvals, policies, directories, delegations, log-ins."""
