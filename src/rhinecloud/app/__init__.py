"""The assembly: reads settings, opens engines and parts, mounts routes, and closes all in order. No decisions."""
