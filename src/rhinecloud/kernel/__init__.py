"""What every room needs and no domain owns: errors, time, ids, units, settings, the actor, the page."""
