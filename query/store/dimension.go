package store

import (
	"fmt"
	"strconv"

	"github.com/parley-analytics/parley/query"
)

const (
	// nothing is an absent value. Groups are found several times as fast if it has a fixed length.
	nothing = "CAST(NULL, 'Nullable(UInt8)')"
	// nameless is an absent name.
	nameless = "CAST(NULL, 'Nullable(String)')"
)

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
		return d.column, nameless, ""
	}
	value = "if(empty(" + d.column + "), NULL, _element" + place + ")"
	clause = "LEFT ARRAY JOIN " + d.column + " AS _element" + place
	if !named {
		return value, nameless, clause
	}
	return value, "_name" + place, clause + ", " + d.label + " AS _name" + place
}

// membersOfConversations are the lists of routings and operators that names are looked up in. A statement names each by itself in the
// subquery that reads the table: it would read the whole routings and operators otherwise.
const membersOfConversations = "_routing.rule_id AS _routed_rule_ids, _routing.rule_name AS _routed_rule_names, " +
	"_routing.group_id AS _routed_group_ids, _routing.group_name AS _routed_group_names, _users.id AS _user_ids, _users.name AS _user_names"

// last writes the names that come last with the elements of ids in parallel
// lists.
func last(ids, name, id string) string {
	return fmt.Sprintf("arrayMap(i -> %s[arrayLastIndex(x -> ifNull(x = i, 0), %s)], %s)", name, id, ids)
}

// plain is a column of one value.
func plain(column, label string) dimension {
	return dimension{column: column, label: label, is: column + " = {$:String}", absent: column + " IS NULL"}
}

// numeric is a column of one number.
func numeric(column string) dimension {
	d := plain(column, "")
	d.is = "toString(" + column + ") = {$:String}"
	return d
}

// ofContacts is a dimension of contacts, of which conversations have no value.
func ofContacts() dimension {
	return dimension{column: nothing, is: "{$:String} IS NULL", absent: "1"}
}

// local is a dimension of the local clock or calendar at a time in milliseconds.
// Offsets are bound with the grouping; a condition has its own.
func local(name query.Dimension, at string) dimension {
	part := func(starts, offsets string) string {
		// A week more keeps the first hours of 1970 above zero west of Greenwich.
		clock := "(" + at + " + transform(roundDown(" + at + ", " + starts + "), " + starts + ", " + offsets + ", toInt64(0)) + 604800000)"
		if name == query.ByHourOfDay {
			return "(intDiv(" + clock + ", 3600000) % 24)"
		}
		return "((intDiv(" + clock + ", 86400000) + 3) % 7 + 1)" // 1970-01-01 was a Thursday
	}
	d := dimension{
		column: part("{local_starts:Array(Int64)}", "{local_offsets:Array(Int64)}"),
		is:     "toString(" + part("{$:Array(Int64)}", "{$:Array(Int64)}") + ") = {$:String}",
		absent: "0",
	}
	if name == query.ByDayOfWeek {
		d.label = "toNullable(['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][" + d.column + "])"
	}
	return d
}

// inHours is the dimension of the moments at which projects are open.
func inHours(at string) dimension {
	column := "CAST(" + openAt(at) + ", 'Nullable(Bool)')"
	return dimension{column: column, is: "toString(" + column + ") = {$:String}", absent: column + " IS NULL"}
}

// custom is a value of custom data. The key is bound with the grouping; a condition
// has its own.
func custom(column string) dimension {
	value := func(key string) string {
		return "if(mapContains(" + column + ", " + key + "), " + column + "[" + key + "], NULL)"
	}
	return dimension{
		column: value("{custom_data_key:String}"),
		is:     value("{$:String}") + " = {$:String}",
		absent: "NOT mapContains(" + column + ", {$:String})",
	}
}

// several is a column of several values.
func several(column, labels string) dimension {
	return dimension{column: column, label: labels, list: true, is: "has(" + column + ", {$:String})", absent: "empty(" + column + ")"}
}

// words is a list of words of low cardinality, with which ARRAY JOIN takes five times as long.
func words(column, kind string) string { return "CAST(" + column + ", 'Array(" + kind + ")')" }

// trait is a dimension that contacts copy from their conversation.
func trait(of traits, name query.Dimension) dimension {
	column := func(name string) string { return string(of) + name }
	switch name {
	case query.ByTag:
		d := several(words(column("tag_ids"), "String"), words(column("tag_names"), "Nullable(String)"))
		d.is, d.absent = "has("+column("tag_ids")+", {$:String})", "empty("+column("tag_ids")+")"
		return d
	case query.ByCampaign:
		return plain(column("campaign_id"), column("campaign_name"))
	case query.ByLanguage:
		return plain(column("language"), "")
	case query.ByAutomationLevel:
		return plain(column("automation_level"), "")
	case query.BySatisfaction:
		return numeric(column("customer_satisfaction"))
	case query.ByScore:
		return numeric(column("net_promoter_score"))
	case query.ByInitiator:
		return plain(column("initiator"), "")
	case query.ByCustomData:
		return custom(column("custom_data"))
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
		d := several("_operator_ids", "arrayMap(i -> _user_names[indexOf(_user_ids, i)], _operator_ids)")
		d.is = "has(_operator_ids, {$:Int64})"
		return d
	case query.ByOperatorKind:
		return several(words("_operator_kinds", "String"), "")
	case query.ByRoutingRule:
		return several("_routing_rule_ids", last("_routing_rule_ids", "_routed_rule_names", "_routed_rule_ids"))
	case query.ByRoutingGroup:
		return several("_routing_group_ids", last("_routing_group_ids", "_routed_group_names", "_routed_group_ids"))
	case query.ByCloseReason:
		return plain("close_reason", "")
	case query.ByStatus, query.ByEnding:
		return ofContacts()
	case query.ByHourOfDay, query.ByDayOfWeek:
		return local(name, millis("assumeNotNull(closed_at)"))
	case query.ByBusinessHours:
		return inHours(createdMoment)
	case query.ByConversation:
		return itself()
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
	case query.ByStatus:
		return plain("status", "")
	case query.ByEnding:
		return plain("ending", "")
	case query.ByHourOfDay, query.ByDayOfWeek:
		return local(name, millis("started_at"))
	case query.ByBusinessHours:
		return inHours(startedMoment)
	case query.ByConversation:
		return itself()
	}
	return trait(repeated, name)
}

// itself is the conversation of a row.
func itself() dimension {
	return dimension{column: "concat(toString(project_id), '/', conversation_id)"}
}

func project() dimension {
	d := plain("project_id", "")
	d.is = "project_id = {$:UInt32}"
	return d
}

// has adds the condition that rows have a value of a dimension. Those of clock and
// calendar are read in the local time.
func (c *conditions) has(d dimension, v query.DimensionValue, local *query.LocalTime) {
	switch {
	case v.Value == nil && v.Name == query.ByCustomData:
		c.add(d.absent, v.Key)
		return
	case v.Value == nil:
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
	case query.ByHourOfDay, query.ByDayOfWeek:
		c.add(d.is, local.Starts, local.Starts, local.Offsets, *v.Value)
	case query.ByCustomData:
		c.add(d.is, v.Key, v.Key, *v.Value)
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
