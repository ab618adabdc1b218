"""The dashboards API: what the marts, and the events not yet built into them, say to the apps."""
