"""Screens as data: the layers of the map, icons, and the words of packs."""
