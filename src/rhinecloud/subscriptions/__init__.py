"""Subscriptions and notifications: routes call `service`; `notifier` carries changes to receivers.

    model           what a subscription is
    parsing         from what subscribers send to subscriptions
    matching        which subscriptions a change concerns
    representation  how notifications and subscriptions look
    delivery        queues, repeats and durability
    transports      HTTP and MQTT

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.3.1, 5.8 and 7.
"""
