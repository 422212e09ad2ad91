package schema

// Upcast turns the data of one version of an event type into the next
// version's, so that the fold knows the newest form only and old events stay
// readable forever.
//
// Every version of every type is a row of one table: its name, how its data is
// read, and the Upcast to the version after it (none for the newest). Say
// parley.conversation.opened.v2 comes. Then [Opened] takes the shape of v2; the
// shape of v1 stays as a type of this package (openedV1) with its reader; the
// row of v1 gets an Upcast to TypeOpenedV2; the row of v2 is added. Decode reads an event of v1 by
// the rules of v1 and returns an event of v2.
type Upcast struct {
	// To is the next version's type; empty for the newest version.
	To Type
	// Data returns valid data of the next version for any valid data of this
	// one. It is total: an old event that was accepted stays readable.
	Data func(Data) Data
}

// form is one version of an event type.
type form struct {
	name   Type
	read   func(*scanner) (Data, *Error)
	upcast Upcast
}

// current knows every version of every type.
var current = decoder{forms: []form{
	{name: TypeOpened, read: readOpened},
	{name: TypeRouted, read: readRouted},
	{name: TypePushed, read: readPushed},
	{name: TypeSnoozed, read: readSnoozed},
	{name: TypeTransferred, read: readTransferred},
	{name: TypeClosed, read: readClosed},
	{name: TypeTagged, read: readTagged},
	{name: TypeUntagged, read: readUntagged},
	{name: TypeMessage, read: readMessage},
	{name: TypeRead, read: readRead},
	{name: TypeDeleted, read: readDeleted},
	{name: TypeCustomer, read: readCustomer},
	{name: TypeSeller, read: readSeller},
	{name: TypeSatisfaction, read: readSatisfaction},
	{name: TypeTransaction, read: readTransaction},
}}

// newest follows the upcasts from the form that data has been read in.
func (d decoder) newest(f *form, data Data) (Type, Data) {
	name := f.name
	for f.upcast.To != "" {
		name, data = f.upcast.To, f.upcast.Data(data)
		f = named(d.forms, name)
	}
	return name, data
}

// named returns the form of a type, or nil.
func named[T ~string | ~[]byte](forms []form, name T) *form {
	for i := range forms {
		if string(forms[i].name) == string(name) {
			return &forms[i]
		}
	}
	return nil
}
