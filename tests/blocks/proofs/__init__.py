"""What a passkey proved."""
