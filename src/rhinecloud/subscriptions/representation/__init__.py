"""How notifications and subscriptions look in JSON."""
