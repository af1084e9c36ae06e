"""What is true: PDDL is parsed, compiled once, and plans are judged against it."""
