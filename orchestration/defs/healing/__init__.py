"""Days that have to be built again because something came, or changed, after they were built."""
