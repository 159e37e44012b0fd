"""Subscriptions and notifications: `service` is what the door calls, `notifier` what carries changes to receivers.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.3.1, 5.8 and 7.
"""
