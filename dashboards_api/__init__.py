"""The dashboards API: answers questions from the marts, and from events that are not built yet."""
