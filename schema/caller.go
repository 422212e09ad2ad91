package schema

import "slices"

// Scope is a right that a credential carries.
type Scope string

// The scopes: ingest appends events, read queries, admin manages credentials and the projection,
// chat gives access to seller chats (see Role).
const (
	ScopeIngest Scope = "ingest"
	ScopeRead   Scope = "read"
	ScopeAdmin  Scope = "admin"
	ScopeChat   Scope = "chat"
)

// Role is a side of a seller chat.
type Role string

// The roles: an operator chats with every seller of its projects, a seller in
// its own chat only.
const (
	RoleOperator Role = "operator"
	RoleSeller   Role = "seller"
)

// Projects is the set of projects a credential may touch. The zero value is
// the empty set.
type Projects struct {
	All bool
	IDs []ProjectID // ascending; ignored when All
}

// Contains reports whether p is in the set.
func (s Projects) Contains(p ProjectID) bool {
	if s.All {
		return true
	}
	_, found := slices.BinarySearch(s.IDs, p)
	return found
}

// Caller is an authenticated sender of requests.
type Caller struct {
	ID       string // of the key or user; safe to log
	Scopes   []Scope
	Projects Projects

	Role   Role   // empty without ScopeChat
	Seller string // the seller's id; of RoleSeller only
}

// Has reports whether the caller carries the scope.
func (c *Caller) Has(s Scope) bool { return slices.Contains(c.Scopes, s) }
