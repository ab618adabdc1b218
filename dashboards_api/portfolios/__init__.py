"""Counting many assets or projects at once: each by itself, and all of them as one."""
