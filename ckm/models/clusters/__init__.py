"""Clusters of customers: feature scaling, k-means, bootstrap stability, and matching with earlier clusters."""
