"""Delivery of notifications: a queue for each subscription, in the store where a receiver is away, and nothing is lost.

`Deliveries` owns all of it. A change that concerns a subscription becomes an *item* of its queue:

    put ──▶ in memory ──▶ in a notification ──▶ done: accepted by the receiver, or dropped
              │   ▲                │ rejected or unanswered: the same notification again, after a pause
              │   └──── read back ──┐
              │ the queue is full in memory, or the item has waited for `hold_s`
              ▼                     │
            in a chunk ──▶ written to the store

An item is *settled* when it is done or written. The items that came in one batch of the stream are a *frame*, which is
in progress until all of them are settled. The mark of the notifier is the end of the last frame before which none is in
progress; it is written in one transaction with the chunks (`store`). So a crash repeats notifications and loses none.

Who owns what: `Deliveries` has one `DeliveryQueue` per subscription, one `DeliveryProgress` and one `DeliveryStore`. A
queue has a `Backlog` and knows nothing of frames or marks. An item refers to the frame that waits for it and to its
chunk; both only count. The store asks queues and progress for what they have to write, and settles what is written.
"""
