"""Delivery of notifications: one queue a subscription, durable where a receiver is away, with statistics."""
