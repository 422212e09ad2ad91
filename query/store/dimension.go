package store

import (
	"fmt"
	"strconv"

	"github.com/parley-analytics/parley/query"
)

// valued is a value of a dimension with the name that goes with it. Names are
// read only when they are asked for.
const valued = "CAST(tuple(%s, %s), 'Tuple(Nullable(String), Nullable(String))')"

// none is the list of values of what has none.
const none = "CAST([(NULL, NULL)], 'Array(Tuple(Nullable(String), Nullable(String)))')"

// dimension says how rows of a table have the values of a dimension.
type dimension struct {
	value string // of type String or Nullable(String), or of an element i of list
	label string // its name
	list  string // the values, where a row may have several
	// is and absent say that a row has the value $, and that it has none.
	is, absent string
	joined     bool // known of a contact's conversation only
}

// tuple writes the dimension as a tuple of value and name; rows with several
// values are multiplied.
func (d dimension) tuple(labels bool) string {
	label := d.label
	if label == "" || !labels {
		label = "NULL"
	}
	value := fmt.Sprintf(valued, d.value, label)
	if d.list == "" {
		return value
	}
	return fmt.Sprintf("arrayJoin(if(empty(%[1]s), %[2]s, arrayMap(i -> %[3]s, %[1]s)))", d.list, none, value)
}

// noDimension is one value for all rows.
const noDimension = "CAST(tuple(NULL, NULL), 'Tuple(Nullable(String), Nullable(String))')"

// last writes the last name that goes with id i in parallel lists.
func last(names, ids string) string {
	return fmt.Sprintf("%s[arrayLastIndex(x -> ifNull(x = i, 0), %s)]", names, ids)
}

// plain is a column of one value.
func plain(column, label string) dimension {
	return dimension{value: "toString(" + column + ")", label: label, is: column + " = {$:String}", absent: column + " IS NULL"}
}

// several is a column of several values.
func several(column, label string) dimension {
	return dimension{
		value: "toString(i)", label: label, list: column,
		is: "has(" + column + ", {$:String})", absent: "empty(" + column + ")",
	}
}

// conversationDimension says how conversations have a dimension.
func conversationDimension(name query.Dimension) dimension {
	switch name {
	case query.ByProject:
		return project()
	case query.ByChannel:
		return plain("channel", "")
	case query.ByOperator:
		d := several("_operator_ids", last("_users.name", "_users.id"))
		d.is = "has(_operator_ids, {$:Int64})"
		return d
	case query.ByOperatorKind:
		return several("_operator_kinds", "")
	case query.ByRoutingRule:
		return several("_routing_rule_ids", last("_routing.rule_name", "_routing.rule_id"))
	case query.ByRoutingGroup:
		return several("_routing_group_ids", last("_routing.group_name", "_routing.group_id"))
	case query.ByTag:
		return several("tag_ids", last("tag_names", "tag_ids"))
	case query.ByCampaign:
		return plain("campaign_id", "campaign_name")
	case query.ByLanguage:
		return plain("language", "")
	case query.ByCloseReason:
		return plain("close_reason", "")
	case query.ByAutomationLevel:
		return plain("automation_level", "")
	}
	panic(fmt.Sprintf("unknown dimension %q", name))
}

// contactDimension says how contacts have a dimension: what they do not hold
// themselves is their conversation's.
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
	d := conversationDimension(name)
	d.joined = true
	return d
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

// number adds a condition on a number; what is none equals no row's.
func (c *conditions) number(condition string, n any, err error) {
	if err != nil {
		c.add("0")
		return
	}
	c.add(condition, n)
}
