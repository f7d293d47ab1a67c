"""ais-app: a cryo-electron tomography workbench. This module is the public Python API.

>>> import ais_app
>>> tomogram = ais_app.open_tomogram("TS_01.mrc")            # doctest: +SKIP
>>> ais_app.segment(["TS_01.mrc"], ["ribosome.aismodel"], "out")  # doctest: +SKIP

Names are imported when they are first used, so that ``import ais_app`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

# By theme, in the order of the work; in each the operations on files come first.
_PUBLIC = {
    # volumes
    "info": "ais_app.operations.info",
    "convert": "ais_app.operations.convert",
    "ConvertParams": "ais_app.operations.convert",
    "filter_volume": "ais_app.operations.filter",
    "FilterSetting": "ais_app.core.filtering.chain",
    "filters": "ais_app.core.filters",
    "Tomogram": "ais_app.core.tomogram",
    "open_tomogram": "ais_app.core.io",
    "create_volume": "ais_app.core.io",
    "write_volume": "ais_app.core.io",
    "open_probabilities": "ais_app.core.probability",
    "create_probabilities": "ais_app.core.probability",
    "preflight": "ais_app.core.volume.preflight",
    # what is shown of them
    "SliceRequest": "ais_app.core.display.view_slice",
    "read_slice": "ais_app.core.display.view_slice",
    "auto_contrast": "ais_app.core.display.contrast",
    # projects and annotations
    "extract": "ais_app.operations.extract",
    "ExtractParams": "ais_app.operations.extract",
    "import_boxes": "ais_app.operations.import_boxes",
    "export_boxes": "ais_app.operations.export_boxes",
    "export_labels": "ais_app.operations.export_labels",
    "Project": "ais_app.state.project",
    "Box": "ais_app.core.annotation.boxes",
    "read_ais_session": "ais_app.core.ais.session",
    # models and training
    "train": "ais_app.operations.train",
    "TrainParams": "ais_app.core.training.parameters",
    "suggest": "ais_app.operations.suggest",
    "SuggestParams": "ais_app.core.training.suggest_parameters",
    "Suggestion": "ais_app.core.training.suggest",
    "list_architectures": "ais_app.operations.models",
    "describe_model": "ais_app.operations.models",
    "check_model": "ais_app.operations.models",
    "import_model": "ais_app.operations.import_model",
    "Model": "ais_app.core.model.package",
    "ModelCard": "ais_app.core.model.card",
    "new_architecture": "ais_app.operations.architectures",
    "check_architecture": "ais_app.operations.architectures",
    "compare_models": "ais_app.operations.compare",
    "export_model": "ais_app.operations.exchange",
    "import_exchanged": "ais_app.operations.exchange",
    "search_networks": "ais_app.operations.zoo",
    "download_network": "ais_app.operations.zoo",
    "publish_network": "ais_app.operations.zoo",
    "Zoo": "ais_app.core.zoo.client",
    "load_model": "ais_app.core.model.package",
    "save_model": "ais_app.core.model.package",
    # segmentation
    "segment": "ais_app.operations.segment",
    "OutputParams": "ais_app.core.prediction.parameters",
    "PredictionParams": "ais_app.core.prediction.parameters",
    "InteractionGraph": "ais_app.core.prediction.interactions",
    "predict_slab": "ais_app.core.prediction.predict",
    "predict_volume": "ais_app.core.prediction.predict",
    # particles
    "pick": "ais_app.operations.pick",
    "pick_with": "ais_app.operations.pick_with",
    "pickers": "ais_app.core.pickers",
    "dog": "ais_app.operations.dog",
    "DogParams": "ais_app.core.pickers.dog",
    "saliency": "ais_app.operations.saliency",
    "SaliencyParams": "ais_app.core.pickers.saliency",
    "BlobParams": "ais_app.core.pickers.blobs",
    "MaskParams": "ais_app.core.picking.masking",
    "MembraneParams": "ais_app.core.picking.membrane_normals",
    "coordinates": "ais_app.operations.coordinates",
    "Particles": "ais_app.core.particle_set",
    "coordinate_formats": "ais_app.core.coordinates",
    "read_particles": "ais_app.core.coordinates",
    "write_particles": "ais_app.core.coordinates",
    "mapback": "ais_app.operations.mapback",
    "match": "ais_app.operations.match",
    "MatchParams": "ais_app.core.matching.parameters",
    "MapBackParams": "ais_app.core.scene.map_back",
    "map_back": "ais_app.core.scene.map_back",
    # networks on subtomograms
    "subtomo_train": "ais_app.operations.subtomo_train",
    "CubeTrainParams": "ais_app.core.training.cube_parameters",
    "subtomo_classify": "ais_app.operations.subtomo_classify",
    "ClassifyParams": "ais_app.core.particles.classify",
    "subtomo_discover": "ais_app.operations.subtomo_discover",
    "DiscoverParams": "ais_app.core.particles.discover",
    "subtomo_adapt": "ais_app.operations.subtomo_adapt",
    "AdaptParams": "ais_app.core.training.adapt_parameters",
    # groups of subtomograms
    "subtomo_cluster": "ais_app.operations.subtomo_cluster",
    "GroupingParams": "ais_app.core.particles.grouping",
    "subtomo_teach": "ais_app.operations.subtomo_teach",
    "TeachParams": "ais_app.operations.subtomo_teach",
    "subtomo_segment": "ais_app.operations.subtomo_segment",
    "ParticleMaskParams": "ais_app.core.particles.particle_masks",
    # subtomograms
    "subtomo_extract": "ais_app.operations.subtomo_extract",
    "subtomo_export": "ais_app.operations.subtomo_export",
    "subtomo_import": "ais_app.operations.subtomo_import",
    "SubtomogramImportParams": "ais_app.operations.subtomo_import",
    "SubtomogramExportParams": "ais_app.operations.subtomo_export",
    "SubtomogramParams": "ais_app.core.particles.extract",
    "SubtomogramStack": "ais_app.core.particles.stack",
    "subtomo_align": "ais_app.operations.subtomo_align",
    "AlignParams": "ais_app.core.particles.alignment",
    "write_stack": "ais_app.core.particles.stack",
    "ParticleChoice": "ais_app.core.particles.choice",
    "subtomo_average": "ais_app.operations.subtomo_average",
    "AverageParams": "ais_app.core.particles.halves_params",
    "average_now": "ais_app.core.particles.average",
    "refine_halves": "ais_app.core.particles.halves",
    "subtomo_sort": "ais_app.operations.subtomo_sort",
    "SortParams": "ais_app.core.particles.sort",
    "subtomo_faml": "ais_app.operations.subtomo_faml",
    "FamlParams": "ais_app.core.particles.faml",
    "subtomo_simulate": "ais_app.operations.subtomo_simulate",
    "SubtomoSimulateParams": "ais_app.operations.subtomo_simulate",
    "snr": "ais_app.operations.snr",
    "PairParams": "ais_app.core.particles.snr",
    "pair_snr": "ais_app.core.particles.snr",
    "half_snr": "ais_app.core.particles.half_snr",
    "volume_snr": "ais_app.core.particles.volume_snr",
    "wedge": "ais_app.operations.wedge",
    "wedge_for": "ais_app.operations.wedge",
    "Wedge": "ais_app.core.particles.wedge",
    "estimate_wedge": "ais_app.core.particles.wedge_estimate",
    "fourier_shell_correlation": "ais_app.core.particles.fsc",
    # labels and pictures
    "label": "ais_app.operations.label",
    "LabelParams": "ais_app.operations.label",
    "preview": "ais_app.operations.preview",
    "PreviewParams": "ais_app.operations.preview",
    # many tomograms
    "Queue": "ais_app.batch.queue",
    "Task": "ais_app.batch.records",
    "plan_exports": "ais_app.batch.plan",
    "work_job": "ais_app.batch.work",
    "write_report": "ais_app.batch.report",
    # filaments
    "filaments": "ais_app.operations.filaments",
    "FilamentParams": "ais_app.core.filaments.parameters",
    "DensityParams": "ais_app.core.filaments.density",
    "trace_filaments": "ais_app.core.filaments.tracing",
    "read_filaments": "ais_app.core.filaments.curves_file",
    # surfaces
    "mesh": "ais_app.operations.mesh",
    "MeshParams": "ais_app.core.surfaces.mesh",
    "measure": "ais_app.operations.measure",
    "MeasureParams": "ais_app.core.surfaces.measure",
    "Mesh": "ais_app.core.surfaces.mesh",
    "make_mesh": "ais_app.core.surfaces.mesh",
    "write_mesh": "ais_app.core.surfaces.mesh_files",
    "export_scene": "ais_app.operations.export_scene",
    "Scene": "ais_app.core.scene.scene",
    "read_scene": "ais_app.core.scene.scene",
    "write_scene": "ais_app.core.scene.scene",
    # phantoms
    "simulate": "ais_app.operations.simulate",
    "SimulateParams": "ais_app.core.simulate.parameters",
    "Phantom": "ais_app.core.simulate.phantom",
    "make_phantom": "ais_app.core.simulate.phantom",
    # the whole way, and again
    "demo": "ais_app.operations.demo",
    "DemoParams": "ais_app.operations.demo",
    "replay": "ais_app.operations.replay",
}

__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604 - the names are resolved below


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ais_app.core.provenance import program_version

        return program_version()
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ais_app' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
