"""The Particles tab: a gallery, classes, clusters, averages."""
