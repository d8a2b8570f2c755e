"""Clusters of points: feature scaling, k-means, stability on bootstrap samples, and matching with older clusters."""
