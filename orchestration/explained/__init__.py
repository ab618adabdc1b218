"""Where a number of daily_metrics comes from: definition, receipt, events, and its changes."""
