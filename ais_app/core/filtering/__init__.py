"""What filters compute with: Gaussians, medians, patches, diffusion, all aware of missing voxels; chains of filters.

The plug-ins of `ais_app.core.filters` hold names and parameters; what is compiled lies here and is imported when it
is first used.
"""
