"""The packs that come with Rhine Cloud: each folder brings one domain of the city."""
