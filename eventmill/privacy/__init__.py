"""A person's rights: everything held on somebody (access), and its erasure (right to be forgotten).

`holdings.everything_held` reads it, `erase.erase` removes it in one transaction. The dashboards API
and `eventmill subjects` call these two, which record it (`audit.py`).
docs/explanation/privacy.md says what is removed and what stays, docs/decisions/0021 why.
"""
