package store

import (
	"fmt"
	"strconv"

	"github.com/parley-analytics/parley/query"
)

// nothing is an absent value or name.
const nothing = "CAST(NULL, 'Nullable(String)')"

// dimension describes how rows of a table hold the values of a dimension.
type dimension struct {
	column string // of the value, or of a list of values
	label  string // its name, or the list of the names; empty without any
	list   bool
	// is and absent are the conditions that a row has the value $, and that it has none.
	is, absent string
}

// in writes the dimension at a place of a grouping: the expressions of value
// and name, and a clause that expands rows with several values to a row for each.
// Names are read only when requested.
func (d dimension) in(place string, labels bool) (value, label, clause string) {
	named := labels && d.label != ""
	switch {
	case !d.list && named:
		return d.column, d.label, ""
	case !d.list:
		return d.column, nothing, ""
	}
	value = "if(empty(" + d.column + "), NULL, _element" + place + ")"
	clause = "LEFT ARRAY JOIN " + d.column + " AS _element" + place
	if !named {
		return value, nothing, clause
	}
	return value, "_name" + place, clause + ", " + d.label + " AS _name" + place
}

// last writes the names that come last with the elements of ids in parallel
// lists.
func last(ids, name, id string) string {
	return fmt.Sprintf("arrayMap(i -> %s[arrayLastIndex(x -> ifNull(x = i, 0), %s)], %s)", name, id, ids)
}

// plain is a column of one value.
func plain(column, label string) dimension {
	return dimension{column: column, label: label, is: column + " = {$:String}", absent: column + " IS NULL"}
}

// several is a column of several values.
func several(column, labels string) dimension {
	return dimension{column: column, label: labels, list: true, is: "has(" + column + ", {$:String})", absent: "empty(" + column + ")"}
}

// trait is a dimension that contacts copy from their conversation.
func trait(of traits, name query.Dimension) dimension {
	column := func(name string) string { return string(of) + name }
	switch name {
	case query.ByTag:
		return several(column("tag_ids"), column("tag_names"))
	case query.ByCampaign:
		return plain(column("campaign_id"), column("campaign_name"))
	case query.ByLanguage:
		return plain(column("language"), "")
	case query.ByAutomationLevel:
		return plain(column("automation_level"), "")
	}
	panic(fmt.Sprintf("unknown dimension %q", name))
}

// conversationDimension describes how conversations hold a dimension.
func conversationDimension(name query.Dimension) dimension {
	switch name {
	case query.ByProject:
		return project()
	case query.ByChannel:
		return plain("channel", "")
	case query.ByOperator:
		d := several("_operator_ids", "arrayMap(i -> _users.name[indexOf(_users.id, i)], _operator_ids)")
		d.is = "has(_operator_ids, {$:Int64})"
		return d
	case query.ByOperatorKind:
		// ARRAY JOIN takes five times as long with words of low cardinality.
		return several("CAST(_operator_kinds, 'Array(String)')", "")
	case query.ByRoutingRule:
		return several("_routing_rule_ids", last("_routing_rule_ids", "_routing.rule_name", "_routing.rule_id"))
	case query.ByRoutingGroup:
		return several("_routing_group_ids", last("_routing_group_ids", "_routing.group_name", "_routing.group_id"))
	case query.ByCloseReason:
		return plain("close_reason", "")
	}
	return trait(own, name)
}

// contactDimension describes how contacts hold a dimension.
func contactDimension(name query.Dimension) dimension {
	switch name {
	case query.ByProject:
		return project()
	case query.ByChannel:
		return plain("channel", "")
	case query.ByOperator:
		d := plain("operator_id", "operator_name")
		d.is = "operator_id = {$:Int64}"
		return d
	case query.ByOperatorKind:
		return plain("operator_kind", "")
	case query.ByRoutingRule:
		return plain("routing_rule_id", "routing_rule_name")
	case query.ByRoutingGroup:
		return plain("routing_group_id", "routing_group_name")
	case query.ByCloseReason:
		return plain("close_reason", "")
	}
	return trait(repeated, name)
}

func project() dimension {
	d := plain("project_id", "")
	d.is = "project_id = {$:UInt32}"
	return d
}

// has adds the condition that rows have a value of a dimension.
func (c *conditions) has(d dimension, v query.DimensionValue) {
	if v.Value == nil {
		c.add(d.absent)
		return
	}
	switch v.Name {
	case query.ByProject:
		n, err := strconv.ParseUint(*v.Value, 10, 32)
		c.number(d.is, uint32(n), err)
	case query.ByOperator:
		n, err := strconv.ParseInt(*v.Value, 10, 64)
		c.number(d.is, n, err)
	default:
		c.add(d.is, *v.Value)
	}
}

// number adds a condition on a number; an invalid number matches no row.
func (c *conditions) number(condition string, n any, err error) {
	if err != nil {
		c.add("0")
		return
	}
	c.add(condition, n)
}
