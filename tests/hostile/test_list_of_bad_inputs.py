"""The list of 40 bad inputs: each number is a case of a hostile corpus, or has tests of its own."""

from __future__ import annotations

import pytest
from formats.test_rules import assert_there
from hostile import dicom_files, nifti_files

NAMES, SOURCES, KILLS = "hostile/test_hostile_names.py", "run/test_sources.py", "run/test_kills.py"
YAML, RULES, EXITS = "recipe/test_recipe_yaml.py", "formats/dicom/test_dicom_rules.py", "cli/test_exit_codes.py"
FAULTS, BAD = "run/test_faults.py", "run/test_bad_samples.py"

OTHERS = {
    22: (("run/test_made_segmentations.py", "test_a_copy_whose_labels_left_the_image_has_a_seg_that_describes_them"),),
    26: (
        (RULES, "test_patients_and_studies_in_one_folder_are_told_apart"),
        ("formats/dicom/test_dicom_mixed.py", "test_a_folder_of_everything_is_sorted_by_headers_alone"),
    ),
    29: ((NAMES, "test_names_that_are_one_on_another_disk_are_refused_before_any_work"),),
    30: (
        (NAMES, "test_a_patients_identifier_is_part_of_no_path_and_of_no_message"),
        (NAMES, "test_a_template_that_leaves_the_dataset_is_refused"),
    ),
    31: (
        (NAMES, "test_what_is_no_regular_file_is_counted_and_never_opened"),
        ("discover/test_walk.py", "test_a_link_counts_where_it_ends_inside_the_dataset"),
        ("discover/test_walk.py", "test_an_unreadable_folder_is_counted"),
    ),
    32: (
        (SOURCES, "test_a_second_run_alongside_never_takes_a_copy_for_a_source"),
        (SOURCES, "test_output_inside_the_dataset_is_no_source_later"),
        (EXITS, "test_5_for_foreign_content_in_output_which_is_left_as_it_is"),
    ),
    33: ((YAML, "test_a_hostile_recipe_is_refused_in_half_a_second_with_a_place"),),
    34: ((YAML, "test_a_hostile_recipe_is_refused_in_half_a_second_with_a_place"),),
    35: (
        (YAML, "test_a_scalar_is_what_yaml_1_2_says"),
        (YAML, "test_a_byte_order_mark_and_windows_line_ends_are_accepted"),
    ),
    40: (
        (KILLS, "test_a_worker_killed_from_outside_costs_nothing"),
        (KILLS, "test_a_signal_at_any_moment_ends_in_its_exit_code_and_a_sound_root"),
        (FAULTS, "test_whichever_call_fails_the_cause_is_told_and_the_next_run_ends_well"),
        (EXITS, "test_6_when_the_disk_is_full"),
        (BAD, "test_a_source_that_changes_between_plan_and_work_is_not_used"),
    ),
}


def test_every_number_is_in_a_corpus_or_has_tests_of_its_own() -> None:
    in_corpora = {number for number, *_ in (*dicom_files.CASES, *nifti_files.CASES)}
    assert in_corpora | OTHERS.keys() == set(range(1, 41))


@pytest.mark.parametrize("number", OTHERS)
def test_what_is_in_no_corpus_has_its_tests(number: int) -> None:
    assert_there(str(number), OTHERS[number])
