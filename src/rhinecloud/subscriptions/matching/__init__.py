"""Which subscriptions a change concerns: an index over all of them, and the conditions of those that it finds."""
