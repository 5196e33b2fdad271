"""What people sign with a passkey."""
