"""What a stranger with the public key tries, against a running system: one file for each point."""
