"""The Particles tab: gallery, clusters, averages."""
