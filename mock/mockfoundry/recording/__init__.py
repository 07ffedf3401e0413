"""Recording: what a real foundation answers, as a file, and what is made of it. Serves nothing but its own proxy."""
