"""More processes for one city: readers share its port and replicas its database; both forward what they cannot do."""
