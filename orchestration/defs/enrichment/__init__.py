"""What each distinct user agent and referring domain means, classified when it is first seen."""
