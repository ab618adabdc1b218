"""The `eventmill` command: starts, watches and stops a system, and mounts the parts' commands."""
