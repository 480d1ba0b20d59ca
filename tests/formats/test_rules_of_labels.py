"""The rules of labels, contours, points and boxes, each with the tests that hold it: a checklist that is kept whole."""

from __future__ import annotations

import pytest

from tests.formats.test_rules import assert_there

REAL, MADE, MAPS = (f"run/test_{name}segmentations.py" for name in ("", "made_", "label_map_"))
OF_NIFTI, MASKS, SOFT = (f"run/test_{name}.py" for name in ("segmentations_of_nifti", "masks_of_dicom", "soft_labels"))
STRUCTURES, CONTOURS, RTSTRUCT = (
    "run/test_structures.py",
    "spatial/test_contours.py",
    "formats/dicom/test_dicom_rtstruct.py",
)
LINKING, POINTS, MARKS = "discover/test_linking.py", "run/test_points.py", "spatial/test_marks.py"
TABLES, JSON = "formats/points/test_tables.py", "formats/points/test_json_files.py"
PAGE, GRAPH = "test_formats_page_dicom.py", "run/test_deidentify_graph.py"
FLIP, VALUES = "transforms/test_flip.py", "formats/nifti/test_nifti_values.py"

LABELS = {
    "a SEG is a new one against the new instances": (
        (REAL, "test_a_copy_s_segments_refer_to_the_copy_s_images_in_their_frame"),
    ),
    "dcmqi and highdicom read SEGs voxel for voxel": (
        (REAL, "test_dcmqi_reads_the_same_segments_of_source_and_unmoved_copy"),
        (REAL, "test_dcmqi_reads_the_mirrored_segments_of_a_mirrored_copy"),
        (REAL, "test_highdicom_reads_the_mirrored_segments_of_a_mirrored_copy"),
        (MAPS, "test_dcmqi_and_highdicom_read_a_label_map_of_dcmqi_and_its_copies_alike"),
    ),
    "names, codes, tracking and colours of segments": (
        (REAL, "test_a_copy_s_segments_refer_to_the_copy_s_images_in_their_frame"),
        (GRAPH, "test_segments_and_regions_keep_colours_codes_and_numbers_and_are_valid"),
    ),
    "FRACTIONAL: linear, MaximumFractionalValue kept": (
        (MAPS, "test_fractions_are_interpolated_and_rounded_to_a_step"),
        (MAPS, "test_fractions_without_references_keep_their_255_steps"),
    ),
    "LABELMAP and its background": (
        (MADE, "test_a_label_map_segmentation_stays_one"),
        (MAPS, "test_what_is_in_no_segment_of_a_label_map_becomes_0"),
        (MAPS, "test_a_label_map_whose_0_is_an_organ_is_refused"),
    ),
    "overlapping segments": (
        (REAL, "test_dcmqi_reads_the_mirrored_segments_of_a_mirrored_copy"),
        (SOFT, "test_overlapping_components_are_each_what_the_map_of_one_of_them_is"),
    ),
    "no references: frame of reference and planes": (
        (MADE, "test_a_segmentation_without_references_goes_by_its_frame_and_planes"),
        (MAPS, "test_fractions_without_references_keep_their_255_steps"),
        (LINKING, "test_a_frame_of_reference_is_taken_with_a_warning_where_no_image_is_named"),
    ),
    "planes left out, other grids": (
        (MADE, "test_labels_move_to_planes_where_there_were_none"),
        (MADE, "test_the_distance_of_planes_stays_where_one_between_them_is_empty"),
        (MADE, "test_a_grid_finer_than_the_image_s_stays_as_fine"),
    ),
    "contour points move by the mapping where slices stay slices": (
        (CONTOURS, "test_what_keeps_slices_moves_every_point_by_the_mapping"),
        (RTSTRUCT, "test_a_flip_mirrors_points_about_the_middle_of_the_rows"),
    ),
    "else they are made again, and it is said": (
        (CONTOURS, "test_what_tilts_or_stretches_slices_remakes_the_region"),
        (RTSTRUCT, "test_remade_contours_say_so"),
        (STRUCTURES, "test_a_run_takes_structure_sets_along_resumes_and_replays"),
    ),
    "RTSTRUCT against the resampled mask: Dice 0.97": ((STRUCTURES, "test_contours_and_mask_agree_in_a_copy"),),
    "new references and frame of reference of contours": ((RTSTRUCT, "test_a_moved_copy_refers_to_the_copy_alone"),),
    "a structure set whose references do not resolve": (
        (LINKING, "test_a_frame_of_reference_is_taken_with_a_warning_where_no_image_is_named"),
        (PAGE, "test_labels_that_the_page_says_are_copied_go_with_their_images"),
    ),
    "coordinates no longer than a DS holds": (
        (RTSTRUCT, "test_dciodvfy_finds_no_error"),
        (RTSTRUCT, "test_a_contour_longer_than_an_explicit_vr_holds_is_read_by_others"),
    ),
    "images, labels and their copies are consistent": (
        (PAGE, "test_dcentvfy_finds_images_labels_and_their_copies_consistent"),
        (PAGE, "test_dcentvfy_notices_that_the_sources_are_not_there"),
    ),
    "NIfTI masks of DICOM images": (
        (MASKS, "test_a_mask_follows_its_image_whatever_the_order_of_its_axes"),
        (MASKS, "test_real_masks_of_real_series_lie_where_they_lay"),
        (MASKS, "test_a_mask_elsewhere_is_refused_with_the_distance"),
    ),
    "DICOM SEGs of NIfTI images": (
        (OF_NIFTI, "test_real_segments_lie_on_the_voxels_of_the_converted_image"),
        (OF_NIFTI, "test_a_rotation_takes_image_and_segments_to_the_same_place"),
    ),
    "points and image follow one mapping": (
        (POINTS, "test_a_moved_point_lies_where_the_copy_shows_its_spot"),
        ("run/test_points_of_dicom.py", "test_points_of_every_format_are_where_the_affine_takes_them"),
        ("spatial/test_points.py", "test_the_inverse_of_a_deformation_is_not_its_negated_field"),
    ),
    "points outside are dropped or kept": ((POINTS, "test_points_outside_are_dropped_and_counted_or_kept"),),
    "boxes move, are cut and dropped": (
        (MARKS, "test_a_box_in_voxels_is_the_box_around_its_moved_corners"),
        (MARKS, "test_a_box_is_cut_at_the_border_and_dropped_when_little_is_left"),
    ),
    "CSV and TSV": ((TABLES, "test_only_the_numbers_that_moved_change"),),
    ".fcsv": ((TABLES, "test_an_fcsv_is_in_the_space_that_its_header_says"),),
    ".mrk.json": ((JSON, "test_control_points_are_in_the_space_that_the_file_says"),),
    "COCO-like JSON": ((POINTS, "test_one_file_of_boxes_serves_all_pictures_and_each_copy_has_its_own"),),
    "one-hot and soft labels": (
        (SOFT, "test_exactly_one_component_is_1_also_where_the_copy_looks_beyond_the_source"),
        (SOFT, "test_shares_that_add_up_to_one_still_do"),
    ),
    "large and floating label values": ((VALUES, "test_the_largest_labels_of_a_type_survive"),),
    "left and right of labels": (
        (FLIP, "test_paired_labels_change_places_so_that_left_stays_left"),
        (MADE, "test_a_mirrored_left_kidney_is_a_right_one_by_code_and_by_name"),
        (RTSTRUCT, "test_paired_names_change_contours_and_an_unpaired_region_changes_its_side"),
        (POINTS, "test_a_flip_swaps_the_names_of_points_that_no_label_map_knows"),
        ("run/test_mammography.py", "test_a_right_mlo_with_its_mask_becomes_a_left_mlo_with_its_mask"),
    ),
}


@pytest.mark.parametrize(("rule", "tests"), LABELS.items())
def test_a_rule_of_labels_has_its_tests(rule: str, tests: tuple[tuple[str, str], ...]) -> None:
    assert_there(rule, tests)
