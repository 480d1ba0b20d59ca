"""The rules of derived DICOM and NIfTI files, each with the tests that hold it: a checklist that a test keeps whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WRITE, READ, FIND = (f"formats/dicom/test_dicom_{name}.py" for name in ("write", "read", "find"))
STORAGE, WINDOW, CLASSIC = (f"formats/dicom/test_dicom_{name}.py" for name in ("storage", "window", "classic"))
ENHANCED, PICTURES, OTHER = (f"formats/dicom/test_dicom_{name}.py" for name in ("enhanced", "pictures", "rules"))
MIRROR, REGRID, ENCODING = (f"formats/dicom/test_dicom_{name}.py" for name in ("mirror", "regrid", "encoding"))
REGIONS, REAL, REPAIR = (f"formats/dicom/test_dicom_{name}.py" for name in ("regions", "realdata", "repair"))
NII, NIFTI_FIND, VALUES = (f"formats/nifti/test_nifti_{name}.py" for name in ("write", "find", "values"))
PET = "formats/dicom/test_dicom_classic_pet.py"
ORIENTATION, INTEGRITY = "formats/nifti/test_nifti_orientation.py", "formats/nifti/test_nifti_integrity.py"

DICOM = {
    "a new SOPInstanceUID, also in the file meta": (
        (WRITE, "test_uids_are_new_alike_within_a_copy_and_unlike_between_copies"),
        (WRITE, "test_the_header_says_what_was_done_and_to_what"),
    ),
    "UIDs are the same in every process": ((OTHER, "test_uids_are_the_same_in_another_process_and_short_enough"),),
    "a new series, its description at most 64 long": ((WRITE, "test_the_header_says_what_was_done_and_to_what"),),
    "study and patient stay": ((WRITE, "test_the_header_says_what_was_done_and_to_what"),),
    "one frame of reference for all that moved together": (
        (WRITE, "test_co_registered_series_that_move_alike_share_a_new_frame_of_reference"),
        (REGRID, "test_a_window_keeps_the_frame_of_reference_since_nothing_moved"),
    ),
    "ImageType by SOP class": (
        (WRITE, "test_image_type_is_what_the_class_allows"),
        (PICTURES, "test_image_type_keeps_what_its_class_defines"),
        (ENHANCED, "test_the_copy_is_derived_primary_in_the_object_and_in_every_frame"),
    ),
    "DerivationDescription at most 1024 long, without paths": (
        (OTHER, "test_many_steps_have_their_codes_in_order_and_a_text_that_still_fits"),
    ),
    "DerivationCodeSequence in order, of CID 7203 or local": (
        (OTHER, "test_every_step_has_a_code_of_the_standard_with_its_own_meaning_or_a_local_one"),
        (OTHER, "test_many_steps_have_their_codes_in_order_and_a_text_that_still_fits"),
    ),
    "SourceImageSequence with purpose and what is preserved": (
        (WRITE, "test_a_slice_names_itself_unmoved_and_its_whole_stack_moved"),
        (WRITE, "test_a_long_stack_names_the_64_nearest_slices"),
        (WRITE, "test_a_slice_names_the_slices_that_an_affine_map_takes_it_from"),
        ("run/test_source_images.py", "test_a_slice_that_changes_with_a_source_slice_names_it"),
        (REGIONS, "test_a_projection_says_how_it_keeps_the_places_of_its_source"),
    ),
    "no claim of synthetic data, burned-in annotation as it was": (
        (OTHER, "test_burned_in_annotation_is_what_the_source_says_and_nothing_claims_synthetic_data"),
    ),
    "the scanner contributes, earlier equipment stays": (
        (OTHER, "test_equipment_that_contributed_before_stays_before_the_scanner"),
        (OTHER, "test_a_scanner_named_in_another_alphabet_keeps_its_name"),
    ),
    "pixels by each slice's own rescaling, rounded, clipped, counted": (
        (READ, "test_each_slice_is_rescaled_by_its_own_slope"),
        (READ, "test_twelve_signed_bits_in_sixteen_are_sign_extended"),
        (STORAGE, "test_values_beyond_bits_stored_are_clipped_and_counted"),
        (STORAGE, "test_every_stored_value_comes_back_from_its_real_value"),
        (STORAGE, "test_a_pet_slice_takes_a_steeper_slope_rather_than_clip"),
    ),
    "padding is no measurement and stamped again": (
        (READ, "test_padding_is_void_and_filled_with_the_smallest_measurement"),
        (STORAGE, "test_padding_is_stamped_again_and_no_measurement_may_have_its_value"),
        (STORAGE, "test_void_that_a_mapping_brought_in_is_stamped_with_the_padding_value"),
        (STORAGE, "test_an_unmoved_padding_range_gets_back_what_stood_there"),
    ),
    "what comes from outside: padding, else what the step says": (
        ("run/test_padding.py", "test_padding_moves_and_covers_what_comes_from_outside"),
        ("run/test_padding.py", "test_without_padding_the_fill_stands_outside"),
    ),
    "smallest, largest, histogram, icon, signatures go": (
        (OTHER, "test_what_vouches_for_or_summarises_the_source_is_gone"),
    ),
    "windows kept, measured, followed; VOI LUT dropped": (
        (WINDOW, "test_a_window_is_kept_while_intensities_are"),
        (WINDOW, "test_presets_follow_the_values_where_nothing_moved"),
        (WINDOW, "test_several_window_presets_keep_their_count"),
        (WINDOW, "test_a_voi_lut_gives_way_to_a_window_that_is_at_least_1_wide"),
        (WINDOW, "test_the_function_of_a_window_stays_when_the_window_is_measured_anew"),
        (ENHANCED, "test_windows_of_frames_follow_the_intensities"),
    ),
    "positions, orientation and spacing of the new grid": (
        (REGRID, "test_a_window_of_a_series_has_its_positions_numbers_and_the_names_of_its_sources"),
        (OTHER, "test_positions_of_an_oblique_grid_are_short_decimals_and_a_frame"),
        (REAL, "test_dcm2niix_makes_the_same_image_of_source_and_copy"),
        (REAL, "test_grid_and_values_are_those_that_dcm2niix_finds"),
    ),
    "another number of slices": (
        (REGRID, "test_slices_between_slices_name_both_and_forget_the_moment_of_one"),
        (REGRID, "test_more_slices_than_sources_get_names_of_their_own_and_are_found_as_one_volume"),
        (REGRID, "test_a_pet_series_counts_its_slices_anew"),
    ),
    "reflection": (
        (MIRROR, "test_letters_follow_the_axes_and_then_the_side"),
        (MIRROR, "test_a_mirrored_slice_keeps_how_its_grid_lies"),
        (PICTURES, "test_a_mirrored_right_eye_is_a_left_one"),
    ),
    "mammography and DX": (
        ("run/test_mammography.py", "test_a_right_mlo_with_its_mask_becomes_a_left_mlo_with_its_mask"),
        ("run/test_mammography.py", "test_a_dx_of_one_side_becomes_one_of_the_other"),
        (OTHER, "test_a_turned_projection_forgets_how_its_detector_was_read"),
    ),
    "lossy stays lossy, with ratio and method": (
        (WRITE, "test_a_lossy_flag_is_never_taken_back"),
        (REAL, "test_a_lossy_source_that_does_not_say_so_is_marked_in_the_copy"),
        (ENCODING, "test_a_copy_that_went_through_a_lossy_step_says_so"),
        ("transforms/test_jpeg.py", "test_the_ratio_is_that_of_the_file_that_pillow_writes"),
    ),
    "transfer syntaxes out, no stale offset table": (
        (ENCODING, "test_a_compressed_copy_decodes_to_the_stored_values_of_its_source"),
        (ENCODING, "test_simpleitk_reads_a_compressed_copy_as_it_reads_a_plain_one"),
        (OTHER, "test_an_extended_offset_table_does_not_outlive_its_pixels"),
    ),
    "decoders": (
        (REAL, "test_all_encodings_of_one_series_hold_the_same_voxels"),
        (READ, "test_a_missing_codec_names_the_syntax_and_the_package"),
        (READ, "test_a_mislabelled_syntax_is_undecodable"),
    ),
    "MONOCHROME1 is worked on turned round": (
        (READ, "test_monochrome1_is_read_so_that_bright_is_high"),
        (STORAGE, "test_monochrome1_is_turned_back"),
    ),
    "colour models and palettes": (
        (PICTURES, "test_ybr_becomes_rgb_by_the_standards_matrix"),
        (PICTURES, "test_colour_by_plane_is_read_and_written_by_pixel"),
        (PICTURES, "test_a_palette_becomes_the_colours_it_stands_for"),
    ),
    "regions of ultrasound move or go": (
        (REGIONS, "test_a_region_lies_where_what_is_in_it_went"),
        (REGIONS, "test_regions_that_no_box_can_follow_are_dropped_and_that_is_said"),
    ),
    "frames of a clip are not mixed": (
        (PICTURES, "test_all_frames_move_alike_and_never_into_one_another"),
        (PICTURES, "test_frames_are_components_and_keep_their_order_and_times"),
    ),
    "every class that is read stays valid": (
        ("formats/dicom/test_dicom_classes.py", "test_a_copy_has_no_error_that_its_source_had_not"),
        (
            "formats/dicom/test_dicom_photographs.py",
            "test_dciodvfy_finds_no_error_in_a_copy_of_a_valid_photograph",
        ),
    ),
    "enhanced objects": (
        (ENHANCED, "test_frames_are_sorted_by_where_they_lie_and_not_as_they_stand"),
        (ENHANCED, "test_copies_of_a_real_enhanced_mr_have_no_error_that_their_source_had_not"),
        (
            "formats/dicom/test_dicom_classic_pet.py",
            "test_a_static_series_says_what_its_class_requires_and_dciodvfy_agrees",
        ),
    ),
    "series are grouped by what headers say": (
        (FIND, "test_slices_of_another_kind_are_another_volume"),
        (FIND, "test_acquisition_numbers_split_a_series_only_where_it_passes_a_place_twice"),
        (OTHER, "test_patients_and_studies_in_one_folder_are_told_apart"),
        (OTHER, "test_a_folder_with_a_dicomdir_is_read_by_its_files"),
    ),
    "missing slices, uneven spacing, gantry tilt": (
        (FIND, "test_a_stack_that_is_no_regular_grid_says_why"),
        (FIND, "test_a_tilted_gantry_is_found_from_positions"),
        (REAL, "test_a_series_that_is_no_volume_says_why"),
        ("run/test_uneven_slices.py", "test_a_move_across_slices_is_refused"),
        ("run/test_uneven_slices.py", "test_a_move_within_slices_is_the_same_wherever_the_slices_lie"),
    ),
    "duplicates and time series": (
        (FIND, "test_an_exact_copy_of_an_instance_is_dropped_with_a_warning"),
        (FIND, "test_one_uid_for_two_pictures_spoils_the_series"),
        (OTHER, "test_a_time_series_under_one_uid_is_split_by_what_tells_its_passes_apart"),
    ),
    "blank UIDs": (
        (REPAIR, "test_without_repair_blank_uids_are_refused_with_the_way_out"),
        (REPAIR, "test_class_and_instance_come_from_the_file_meta_and_the_rest_is_made"),
    ),
    "overlays, their old bits, private tags": (
        (WRITE, "test_what_is_true_of_the_source_alone_is_gone_at_every_depth"),
        (READ, "test_overlay_bits_above_bits_stored_are_no_part_of_the_value"),
    ),
    "strays of other groups": (
        (WRITE, "test_elements_of_the_command_group_do_not_hinder_writing"),
        (OTHER, "test_elements_of_messages_and_directories_are_dropped"),
    ),
    "the file itself": (
        (OTHER, "test_the_file_meta_information_is_its_own"),
        (WRITE, "test_the_file_is_byte_for_byte_what_pydicom_writes_of_it"),
        ("core/test_files.py", "test_no_file_has_its_name_before_all_are_on_the_disk"),
    ),
    "other readers agree on every real file": (
        ("test_formats_page_dicom.py", "test_what_the_page_says_is_copied_is_read_again_and_valid"),
        ("test_formats_page_dicom.py", "test_dcentvfy_finds_sources_and_copies_consistent"),
        ("test_formats_page_dicom.py", "test_dcm2niix_finds_the_grid_of_the_source_in_the_copy"),
    ),
}
NIFTI = {
    "codes of sform and qform": (
        (
            NII,
            "test_on_the_same_grid_the_affine_bytes_stay_and_only_an_atlas_code_that_no_longer_holds_changes",
        ),
        (NII, "test_a_new_grid_is_in_both_forms_in_the_unit_of_the_source"),
    ),
    "which affine": (
        (ORIENTATION, "test_an_sform_is_taken_before_a_qform_and_a_difference_is_said"),
        (ORIENTATION, "test_without_codes_the_grid_is_that_of_nibabel_and_a_warning_says_so"),
        (NII, "test_of_two_forms_that_differ_the_copy_has_the_sform_twice"),
    ),
    "RAS and LPS": ((ORIENTATION, "test_ras_to_lps_and_back_is_the_same_affine"),),
    "shear": (
        (ORIENTATION, "test_a_sheared_sform_is_held_as_it_is"),
        (NII, "test_a_sheared_grid_is_written_as_sform_and_no_qform_contradicts_it"),
    ),
    "scl_slope and scl_inter": (
        (VALUES, "test_scaled_integers_are_read_scaled_and_stored_with_the_same_scaling"),
        (VALUES, "test_a_mask_that_was_saved_scaled_is_read_whole_and_stored_as_it_was"),
    ),
    "a slope of 0, NaN or Inf": ((VALUES, "test_a_slope_of_0_nan_or_inf_scales_nothing_whatever_the_intercept"),),
    "types": (
        (VALUES, "test_every_type_in_both_byte_orders_goes_through_unchanged"),
        (VALUES, "test_integers_are_rounded_once_and_clipped_never_wrapped"),
    ),
    "NaN and Inf": (
        (VALUES, "test_nan_and_inf_are_void_filled_with_the_least_finite_value_and_put_back"),
        (VALUES, "test_a_voxel_without_value_in_one_volume_is_void_and_the_others_keep_theirs"),
    ),
    "4-D and 5-D": ((NII, "test_four_dimensions_keep_their_time_axis"),),
    "gradients of diffusion are not turned: such series are left alone": (
        ("discover/test_nifti_layout.py", "test_diffusion_series_are_left_alone"),
    ),
    "RGB and RGBA": ((VALUES, "test_colours_are_components_and_are_stored_side_by_side_again"),),
    "units": ((ORIENTATION, "test_metres_and_microns_become_mm"),),
    "dim_info, slice timing, cal_min and cal_max": (
        (NII, "test_encoding_directions_turn_with_the_axes_and_slice_timing_goes"),
        (NII, "test_the_display_range_goes_when_intensities_change"),
    ),
    "large and floating labels": (
        (VALUES, "test_the_largest_labels_of_a_type_survive"),
        (VALUES, "test_whole_float_labels_stay_float_and_others_are_refused"),
    ),
    "containers, versions and byte orders": (
        (NII, "test_a_copy_has_the_version_and_byte_order_of_its_source_and_the_container_of_its_name"),
        (NIFTI_FIND, "test_half_a_pair_is_a_problem_that_names_the_other_half"),
    ),
    "gzip": ((INTEGRITY, "test_200_flipped_bits_of_a_packed_file_are_all_noticed"),),
    "CIFTI and ANALYZE": ((NIFTI_FIND, "test_what_is_wrong_with_a_header_has_a_reason_when_found_and_when_read"),),
    "free text and extensions": ((NII, "test_free_text_and_extensions_are_not_copied"),),
}


@pytest.mark.parametrize(("rule", "tests"), [*DICOM.items(), *NIFTI.items()])
def test_a_rule_has_its_tests(rule: str, tests: tuple[tuple[str, str], ...]) -> None:
    assert_there(rule, tests)


def assert_there(rule: str, tests: tuple[tuple[str, str], ...]) -> None:
    """Assert that `rule` has tests, and that each of them, (file, name), is there."""
    assert tests, rule
    for file, name in tests:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
