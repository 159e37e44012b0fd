"""What a subscription is: its members, its parsing, its rendering, and the notifications that it asks for."""
