"""Files of events, made in the background for admins."""
