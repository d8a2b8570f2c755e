"""Record linkage of customers: which customer ids belong to one person."""
