"""People's rights: everything held on somebody, and its erasure."""
