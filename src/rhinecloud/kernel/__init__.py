"""What every room needs and no domain owns: errors, time, ids, settings, the actor, the page."""
