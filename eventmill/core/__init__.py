"""What all parts share: settings, errors, days, the database and its migrations, the tracking plan,
tokens and logs. No web, orchestration, warehouse or CLI framework is imported here.
"""
