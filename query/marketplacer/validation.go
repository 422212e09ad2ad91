package marketplacer

import (
	"fmt"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// validationCodes are the codes of graphql-ruby, on which Marketplacer's API is built, for the rules
// of the GraphQL specification (its lib/graphql/static_validation/rules).
var validationCodes = map[string]string{
	"FieldsOnCorrectType":          "undefinedField",
	"FragmentsOnCompositeTypes":    "fragmentOnNonCompositeType",
	"KnownArgumentNames":           "argumentNotAccepted",
	"KnownDirectives":              "undefinedDirective",
	"KnownFragmentNames":           "useAndDefineFragment",
	"KnownRootType":                "missingMutationConfiguration",
	"KnownTypeNames":               "undefinedType",
	"LoneAnonymousOperation":       "uniquelyNamedOperations",
	"NoFragmentCycles":             "infiniteLoop",
	"NoUndefinedVariables":         "variableNotDefined",
	"NoUnusedFragments":            "useAndDefineFragment",
	"NoUnusedVariables":            "variableNotUsed",
	"OverlappingFieldsCanBeMerged": "fieldConflict",
	"PossibleFragmentSpreads":      "cannotSpreadFragment",
	"ProvidedRequiredArguments":    "missingRequiredArguments",
	"ScalarLeafs":                  "selectionMismatch",
	"UniqueArgumentNames":          "argumentNotUnique",
	"UniqueDirectivesPerLocation":  "directiveNotUniqueForLocation",
	"UniqueFragmentNames":          "fragmentNotUnique",
	"UniqueInputFieldNames":        "inputFieldNotUnique",
	"UniqueOperationNames":         "uniquelyNamedOperations",
	"UniqueVariableNames":          "variableNotUnique",
	"ValuesOfCorrectType":          "argumentLiteralsIncompatible",
	"VariablesAreInputTypes":       "variableRequiresValidType",
	"VariablesInAllowedPosition":   "variableMismatch",
}

// CompleteValidation gives an error of a document the extensions that clients of Marketplacer read: the
// code of the rule, and with undefinedField the names of the type and the field. Other errors stay as they are.
func CompleteValidation(e *gqlerrors.QueryError) {
	code, found := validationCodes[e.Rule]
	if !found {
		return
	}
	e.Extensions["code"] = code
	var field, of string
	if _, err := fmt.Sscanf(e.Message, "Cannot query field %q on type %q", &field, &of); err == nil {
		e.Extensions["fieldName"], e.Extensions["typeName"] = field, of
	}
}
