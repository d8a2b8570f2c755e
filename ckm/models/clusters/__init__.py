"""Groups of similar points: put on one scale, divided by k-means, tried on bootstrap samples, matched to older ones."""
