"""What every part needs and no domain owns: errors, time, ids, settings, declarative files, the actor, the page."""
