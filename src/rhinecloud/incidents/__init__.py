"""Incidents: who works on them, what is to be done, and what was done when."""
