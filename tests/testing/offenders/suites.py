# ruff: noqa: I001  (one import a line would hide what this is)
"""The suites of the offenders. `caught_by` names the clauses that must fail; all others must pass. Run by tests/testing/test_offenders_are_caught.py."""

import json

from offending import estimators, exporters, fitting, gates, general, models, probes, protections, slow, sources, splitters, stages, trainers, transforms
from offending import treatments
from offending.heavy import Heavy

from mlforge.components import Source
from mlforge.contract import Contract
from mlforge.testing import (
    CallbackContract, ClusterContract, ComponentContract, EstimatorContract, ExporterContract, GateContract, LoggerContract, MitigationContract, ModelContract,
    PerturbationContract, ProbeContract, ProtectionContract, SourceContract, SplitterContract, StageContract, SweepContract, TrainerContract,
    TransformContract,
)  # fmt: skip
from mlforge.testing.job import StageJob
from mlforge.testing.sweeps import SPACE


def planted(suite, component, *caught_by, **more):
    """A suite over one offender; the module's test classes are made of these."""
    name = f"Test{type(component).__name__}"
    globals()[name] = type(name, (suite,), {"__module__": __name__, "component": component, "caught_by": caught_by, **more})


def fresh(kind):
    """One that counts is made anew for each test."""
    return {"make": lambda self, folder: kind()}


class Lines(SourceContract):
    def holding(self, folder, rows):
        (folder / "rows.json").write_text(json.dumps(rows.to_dict(as_series=False)))
        return type(self.component)(path=str(folder / "rows.json"))

    def make(self, folder):
        import polars as pl

        return self.holding(folder, pl.DataFrame({"id": range(200), "word": ["word"] * 200}))


planted(SourceContract, general.Undescribed(), "test_every_field_is_described")
planted(SourceContract, general.Undocumented(), "test_its_first_docstring_line_says_what_it_is")
planted(SourceContract, general.Changeable(), "test_it_cannot_be_changed_once_it_is_made")
planted(SourceContract, general.Lenient(), "test_an_unknown_key_is_refused")
planted(SourceContract, general.Forgetful(), "test_its_settings_survive_as_plain_data")
planted(SourceContract, general.Unshowable(), "test_it_can_be_shown_to_an_editor")
planted(SourceContract, general.Unlisted(), "test_it_is_found_under_its_name")
planted(SourceContract, general.Objecting(), "test_objections_are_told_and_not_raised")
planted(SourceContract, general.Littering(), "test_it_leaves_nothing_behind")
planted(SourceContract, general.Threading(), "test_a_failure_leaves_nothing_behind")
planted(SourceContract, general.Holding(), "test_secrets_are_named_and_not_held")
planted(SourceContract, general.Telling(), "test_no_secret_is_shown")
planted(ComponentContract, general.Kindless(), "test_it_is_of_its_kind_and_whole", kind=Source)
planted(SourceContract, Heavy(), "test_its_module_imports_in_milliseconds_and_nothing_heavy")
planted(SourceContract, slow.Slow(), "test_its_module_imports_in_milliseconds_and_nothing_heavy")

planted(SourceContract, sources.Shuffling(), "test_its_rows_are_the_same_each_time")
planted(SourceContract, sources.Eager(), "test_scan_reads_lazily_and_names_its_columns")
planted(SourceContract, sources.Lumping(), "test_batches_are_the_rows_of_the_scan_in_frames_of_that_size")
planted(SourceContract, sources.Fickle(), "test_its_fingerprint_is_the_same_each_time", **fresh(sources.Fickle))
planted(SourceContract, sources.Hashed(), "test_its_fingerprint_is_the_same_in_another_process")
planted(SourceContract, sources.Blindfolded(), "test_what_it_watches_is_there")
planted(Lines, sources.Tracing(path="/"), "test_what_is_not_there_is_an_error_for_a_person")
planted(Lines, sources.Losing(path="/"), "test_rows_that_are_written_are_read")
planted(Lines, sources.Crashing(path="/"), "test_no_rows_are_an_error_for_a_person_or_no_rows")
planted(Lines, sources.Constant(path="/"), "test_its_fingerprint_changes_when_the_rows_do")

planted(SplitterContract, splitters.Dropping(), "test_every_row_gets_one_part")
planted(SplitterContract, splitters.Testless(), "test_there_are_rows_to_train_to_validate_and_to_test")
planted(SplitterContract, splitters.Wavering(), "test_the_same_seed_gives_the_same_parts", **fresh(splitters.Wavering))
planted(SplitterContract, splitters.Positional(), "test_the_order_in_which_rows_arrive_decides_nothing")
planted(SplitterContract, splitters.Permuting(), "test_rows_that_come_later_leave_the_others_where_they_are")
planted(SplitterContract, splitters.Tearing(), "test_a_group_is_in_one_part")
planted(SplitterContract, splitters.Fragile(), "test_no_rows_and_one_row_are_split_or_an_error_for_a_person")

VARYING = {"make": lambda self, folder: protections.Varying(columns=("person",))}
planted(ProtectionContract, protections.Varying(columns=("person",)), "test_it_gives_the_same_rule_each_time", **VARYING)
planted(ProtectionContract, protections.Private(columns=("age",)), "test_its_rules_travel_as_plain_data")
planted(ProtectionContract, protections.Transparent(columns=("person",)), "test_a_protected_value_is_not_what_it_was")
planted(ProtectionContract, protections.Rude(columns=("person",)), "test_a_column_that_it_cannot_protect_is_refused_in_words")

planted(TransformContract, transforms.Drawing(), "test_the_same_rows_give_the_same_graph")
planted(TransformContract, transforms.Overflowing(), "test_its_graph_gives_what_it_promises")
planted(TransformContract, transforms.Leaking(), "test_missing_values_become_numbers")
planted(TransformContract, transforms.Logarithm(), "test_what_training_has_not_seen_becomes_numbers")
planted(TransformContract, transforms.Centring(), "test_a_row_alone_becomes_what_it_becomes_among_others")
planted(TransformContract, transforms.Nameless(), "test_two_entries_do_not_get_in_each_others_way")
planted(TransformContract, transforms.Needy(), "test_no_rows_and_one_row_are_fitted_or_an_error_for_a_person")
planted(TransformContract, transforms.Insisting(), "test_without_columns_there_is_nothing_to_add")
planted(TransformContract, transforms.Peeking(), "test_it_takes_feature_columns")
planted(TransformContract, transforms.Deaf(), "test_recipes_can_say_which_columns_it_takes")

NUMBERS = {"feeds": ("numbers",)}
planted(ModelContract, models.Narrow(), "test_it_gives_a_score_for_every_class_or_value", **NUMBERS)
planted(ModelContract, models.Seeding(), "test_it_leaves_the_seed_to_the_recipe", **NUMBERS)
planted(ModelContract, models.Urandom(), "test_the_same_seed_builds_the_same_network", **NUMBERS)
planted(ModelContract, models.Relative(), "test_a_row_is_scored_alike_alone_and_among_others", **NUMBERS)
planted(ModelContract, models.Dead(), "test_every_weight_learns", **NUMBERS)
planted(ModelContract, models.Stuck(), "test_it_learns_a_little", **NUMBERS)
planted(ModelContract, models.Branching(), "test_it_can_be_exported_for_any_number_of_rows", **NUMBERS)
planted(ModelContract, models.Unsaved(), "test_its_weights_are_tensors_that_can_be_read_back", **NUMBERS)

planted(EstimatorContract, estimators.Pickling(), "test_nothing_that_is_saved_is_a_pickle")
planted(EstimatorContract, estimators.Doubling(), "test_the_graph_says_what_the_library_says")
planted(EstimatorContract, estimators.Amnesiac(), "test_what_is_saved_reads_back_to_the_same_scores_and_the_same_bytes")
planted(EstimatorContract, estimators.Weightless(), "test_rows_that_weigh_nothing_are_not_learned_from")

AGAIN = (
    "test_the_same_seed_gives_the_same_bytes",
    "test_called_again_in_the_same_place_it_ends_with_the_same_bytes",
    "test_given_up_and_called_again_it_ends_with_the_same_bytes",
)
planted(TrainerContract, trainers.Dated(), *AGAIN)
planted(TrainerContract, trainers.Careless(), "test_a_loss_that_is_no_number_is_an_error_for_a_person")
planted(TrainerContract, trainers.Curveless(), "test_it_leaves_what_was_learned_as_stages_read_it")
planted(TrainerContract, trainers.Leaving(), "test_a_failure_leaves_nothing_behind")

planted(CallbackContract, fitting.Amnesic(), "test_given_up_and_called_again_it_ends_with_the_same_bytes_and_findings")
planted(CallbackContract, fitting.Echoing(), "test_only_the_first_process_tells_what_it_finds")
planted(LoggerContract, fitting.Mute(), "test_it_writes_into_its_own_folder")
planted(ClusterContract, fitting.Repeating(), "test_every_process_takes_part_once")
planted(SweepContract, fitting.Adrift(space=SPACE), "test_the_same_seed_proposes_the_same", "test_a_sweep_that_was_killed_goes_on_alike")

CUT, ASSOCIATIVE = "test_it_makes_no_difference_where_the_rows_are_cut", "test_merging_is_associative"
planted(ProbeContract, probes.Undeclared(), "test_every_finding_is_declared")
planted(ProbeContract, probes.Averaging(), ASSOCIATIVE, CUT)
planted(ProbeContract, probes.Counting(), CUT)
CLOCKED = ("test_the_same_rows_give_the_same_findings", CUT, ASSOCIATIVE, "test_the_profile_of_no_rows_changes_nothing", "test_a_profile_survives_as_a_file")
planted(ProbeContract, probes.Clocked(), *CLOCKED)
FEW = ("test_no_rows_and_one_row_are_measured_or_said_to_be_too_few", "test_a_value_is_a_number_or_missing_with_a_reason")
planted(ProbeContract, probes.Brittle(), *FEW)
planted(ProbeContract, probes.Nan(), "test_a_value_is_a_number_or_missing_with_a_reason")
planted(ProbeContract, probes.Verbose(), "test_a_finding_is_small_plain_data")
planted(ProbeContract, probes.Prefixed(), "test_names_are_without_the_windows")
planted(ProbeContract, probes.Hoarding(), "test_a_sketch_stays_small")
planted(ProbeContract, probes.Alone(), "test_it_can_be_compared_with_a_reference")
planted(ProbeContract, probes.Grabbing(), "test_it_leaves_its_rows_as_they_are")

JUDGED = {"passing": {"test/auc": 0.9}, "failing": {"test/auc": 0.1}}
planted(GateContract, gates.Generous(), "test_what_was_not_measured_never_passes", **JUDGED)
planted(GateContract, gates.Negated(), "test_what_has_no_value_never_passes", **JUDGED)
planted(GateContract, gates.Secretive(), "test_it_says_beforehand_what_it_needs", **JUDGED)
planted(GateContract, gates.Anonymous(), "test_a_ruling_names_its_entry_and_says_why", **JUDGED)
planted(GateContract, gates.Moody(), "test_it_judges_alike_each_time", **JUDGED)
planted(GateContract, gates.Unannounced(), "test_it_waits_for_each_role_that_it_asks", **JUDGED)

TYPED = ("test_every_value_has_one_in_its_place_and_of_its_type", "test_no_rows_and_one_row_are_changed")
planted(PerturbationContract, treatments.Neighbourly(), "test_a_row_is_changed_alike_however_rows_are_cut")
planted(PerturbationContract, treatments.Inventing(), "test_what_is_missing_stays_missing", "test_a_column_without_values_stays_one")
planted(PerturbationContract, treatments.Widening(), *TYPED)
planted(PerturbationContract, treatments.Idle(), "test_it_changes_something")
planted(MitigationContract, treatments.Endless(column="sex"), "test_a_factor_is_a_number_for_each_group_and_class")
planted(MitigationContract, treatments.Beyond(column="sex"), "test_what_it_takes_are_rows_that_there_are")
planted(MitigationContract, treatments.Overdrawn(column="sex"), "test_a_line_is_drawn_where_probabilities_are")
planted(MitigationContract, treatments.Nominal(column="sex"), "test_it_does_something")

planted(ExporterContract, exporters.Bent(), "test_the_bundle_says_what_the_trained_model_says", families=("network",))
planted(ExporterContract, exporters.Stamped(), "test_the_same_model_gives_the_same_bytes", families=("network",))
planted(ExporterContract, exporters.Located(), "test_no_path_of_this_machine_is_in_the_bundle", families=("network",))
planted(ExporterContract, exporters.Coded(), "test_no_code_is_in_the_bundle", families=("estimator",))
planted(ExporterContract, exporters.Loosened(), "test_a_row_that_breaks_the_contract_is_refused", families=("estimator",))
planted(ExporterContract, exporters.Spilling(), "test_a_failure_leaves_nothing_behind", families=("estimator",))

ALONE = {"before": lambda self, folder: StageJob(folder, contract=Contract.model_validate({"columns": {"x": {"dtype": "int"}}}))}
planted(StageContract, stages.Ticking(), "test_the_same_inputs_give_the_same_bytes", **ALONE)
planted(StageContract, stages.Chatty(), "test_its_findings_are_declared", **ALONE)
planted(StageContract, stages.Rambling(), "test_its_headline_is_one_line", **ALONE)
