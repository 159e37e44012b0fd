-- Entities with several keys of an attribute have one more, `keys.SEVERAL`: the indexes are built again.
UPDATE indexed SET built = 0;
UPDATE counter SET indexes = indexes + 1;
