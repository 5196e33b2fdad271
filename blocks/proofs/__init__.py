"""What a passkey proved, checked by who decides, by the process that reads it, and by an auditor."""
