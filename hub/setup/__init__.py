"""The page: signing in with a one-time link, how everything is, and what each run did and why."""
