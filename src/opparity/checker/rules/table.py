"""The rule table: one line per rule, in the order of reports."""

from __future__ import annotations

from opparity.checker.rules.argument_count_differs_from_schema import ArgumentCountDiffersFromSchema
from opparity.checker.rules.base import Rule
from opparity.checker.rules.body_empty_on_platform import BodyEmptyOnPlatform
from opparity.checker.rules.build_not_understood import BuildNotUnderstood
from opparity.checker.rules.called_not_built import CalledNotBuilt
from opparity.checker.rules.def_without_impl import DefWithoutImpl
from opparity.checker.rules.extension_never_imported import ExtensionNeverImported
from opparity.checker.rules.fake_differs_from_schema import FakeDiffersFromSchema
from opparity.checker.rules.file_not_read import FileNotRead
from opparity.checker.rules.function_twice_in_one_pass import FunctionTwiceInOnePass
from opparity.checker.rules.guard_narrower_than_build import GuardNarrowerThanBuild
from opparity.checker.rules.guard_relies_on_absence import GuardReliesOnAbsence
from opparity.checker.rules.guard_wider_than_build import GuardWiderThanBuild
from opparity.checker.rules.guarded_only_elsewhere import GuardedOnlyElsewhere
from opparity.checker.rules.impl_without_def import ImplWithoutDef
from opparity.checker.rules.inconsistent_macro_spelling import InconsistentMacroSpelling
from opparity.checker.rules.kernel_hidden_from_device import KernelHiddenFromDevice
from opparity.checker.rules.lane_mask_narrower_than_the_wave import LaneMaskNarrowerThanTheWave
from opparity.checker.rules.meta_bound_to_kernel import MetaBoundToKernel
from opparity.checker.rules.misspelt_macro import MisspeltMacro
from opparity.checker.rules.module_loaded_in_two_ways import ModuleLoadedInTwoWays
from opparity.checker.rules.module_that_nobody_builds import ModuleThatNobodyBuilds
from opparity.checker.rules.module_without_bindings import ModuleWithoutBindings
from opparity.checker.rules.module_without_init_function import ModuleWithoutInitFunction
from opparity.checker.rules.name_lost_with_its_import import NameLostWithItsImport
from opparity.checker.rules.operator_defined_twice import OperatorDefinedTwice
from opparity.checker.rules.operator_registered_nowhere import OperatorRegisteredNowhere
from opparity.checker.rules.operator_touched_at_import import OperatorTouchedAtImport
from opparity.checker.rules.operator_without_fake import OperatorWithoutFake
from opparity.checker.rules.option_leaves_symbol_undefined import OptionLeavesSymbolUndefined
from opparity.checker.rules.overload_registered_nowhere import OverloadRegisteredNowhere
from opparity.checker.rules.prototype_differs_from_definition import PrototypeDiffersFromDefinition
from opparity.checker.rules.registered_not_built import RegisteredNotBuilt
from opparity.checker.rules.registration_in_no_list import RegistrationInNoList
from opparity.checker.rules.schema_differs_from_signature import SchemaDiffersFromSignature
from opparity.checker.rules.source_in_one_list_only import SourceInOneListOnly
from opparity.checker.rules.source_not_in_the_tree import SourceNotInTheTree
from opparity.checker.rules.stale_baseline_entry import StaleBaselineEntry
from opparity.checker.rules.suppression_not_understood import SuppressionNotUnderstood
from opparity.checker.rules.suppression_without_reason import SuppressionWithoutReason
from opparity.checker.rules.table_key_stored_under_another_guard import (
    TableKeyStoredUnderAnotherGuard,
)
from opparity.checker.rules.template_not_instantiated import TemplateNotInstantiated
from opparity.checker.rules.torch_not_required_by_the_build import TorchNotRequiredByTheBuild
from opparity.checker.rules.two_sources_one_object import TwoSourcesOneObject
from opparity.checker.rules.unguarded_python_call import UnguardedPythonCall
from opparity.checker.rules.unknown_platform_macro import UnknownPlatformMacro
from opparity.checker.rules.unused_suppression import UnusedSuppression
from opparity.checker.rules.used_under_a_name_nobody_binds import UsedUnderANameNobodyBinds
from opparity.checker.rules.wrong_function_bound import WrongFunctionBound

RULES: tuple[type[Rule], ...] = (
    RegisteredNotBuilt,
    CalledNotBuilt,
    LaneMaskNarrowerThanTheWave,
    SourceInOneListOnly,
    RegistrationInNoList,
    TemplateNotInstantiated,
    OptionLeavesSymbolUndefined,
    KernelHiddenFromDevice,
    BodyEmptyOnPlatform,
    ModuleWithoutInitFunction,
    ModuleLoadedInTwoWays,
    TwoSourcesOneObject,
    ModuleWithoutBindings,
    FunctionTwiceInOnePass,
    TorchNotRequiredByTheBuild,
    SourceNotInTheTree,
    ImplWithoutDef,
    SchemaDiffersFromSignature,
    DefWithoutImpl,
    WrongFunctionBound,
    PrototypeDiffersFromDefinition,
    OperatorDefinedTwice,
    FakeDiffersFromSchema,
    OperatorWithoutFake,
    MetaBoundToKernel,
    UnknownPlatformMacro,
    InconsistentMacroSpelling,
    GuardReliesOnAbsence,
    MisspeltMacro,
    UnguardedPythonCall,
    OperatorTouchedAtImport,
    GuardWiderThanBuild,
    GuardNarrowerThanBuild,
    TableKeyStoredUnderAnotherGuard,
    ArgumentCountDiffersFromSchema,
    ExtensionNeverImported,
    GuardedOnlyElsewhere,
    OperatorRegisteredNowhere,
    UsedUnderANameNobodyBinds,
    NameLostWithItsImport,
    ModuleThatNobodyBuilds,
    OverloadRegisteredNowhere,
    UnusedSuppression,
    SuppressionWithoutReason,
    SuppressionNotUnderstood,
    StaleBaselineEntry,
    FileNotRead,
    BuildNotUnderstood,
)

__all__ = ["RULES", "Rule"]
