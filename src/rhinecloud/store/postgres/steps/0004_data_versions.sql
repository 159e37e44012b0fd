-- No table changes: from here on the data has versions of its own (`store.migrations`), which older code ignores.
SELECT 1;
