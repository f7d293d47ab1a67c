"""From a segmentation to objects: components, lobes, masks, normals, orientations."""
