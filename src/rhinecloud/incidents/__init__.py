"""What the city does about it: incidents, who has them, what is to be done, and what was done when."""
