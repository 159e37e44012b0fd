"""The assembly: reads settings, opens engines, starts parts, mounts doors, ends everything in order. No decisions."""
