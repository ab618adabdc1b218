"""The rooms below the three parts (core, http, privacy, warehouse) and above them (runner)."""
