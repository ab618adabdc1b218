"""A person's rights: everything held on somebody (access), and its erasure (right to be forgotten).

`holdings.held` reads it, `erase.erase` removes it in one transaction.
docs/explanation/privacy.md says what is removed and what stays, docs/decisions/0021 why.
"""
