"""The small planner, trained from scratch on short reference plans: weak on purpose, and honest about it."""
