"""What is done: one pure function from what is there and what is wanted to a plan."""
