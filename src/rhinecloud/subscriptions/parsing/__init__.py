"""From the documents that subscribers send to subscriptions."""
