"""The kernel: what every part of Eventmill shares, and nothing that is built on it."""
