"""More processes on one machine: readers share the city's port, answer reads themselves and pass on the rest."""
