"""Record linkage of customers: which customer ids are of one person."""
