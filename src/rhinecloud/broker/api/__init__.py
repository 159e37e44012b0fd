"""The broker's routes in the people's API: the past of attributes, and exports of entities."""
