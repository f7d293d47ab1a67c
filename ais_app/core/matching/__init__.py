"""Template matching: where in a tomogram, and in which orientation, a known structure lies.

template ─► voxels of the tomogram ─► turned ─► wedge ─► masked, normalised: a kernel      (template)
tomogram ─► tiles with a halo ─► local means and deviations ─► x kernel, for every rotation  (correlation, search)
best score and its rotation at each voxel ─► peaks ─► threshold ─► finer rotations ─► Particles  (peaks, refinement)
"""
