"""The routes of the people's API that belong to no single part."""
