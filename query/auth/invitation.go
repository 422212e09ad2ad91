package auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// InvitationLife is how long an invitation is valid.
	InvitationLife = time.Hour

	mostInvitations = 100
)

// invitations are single-use sign-in codes for a browser. They are kept in memory only: the process that prints a
// code is the one that serves the page.
type invitations struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]invitation // by fingerprint of the code
}

type invitation struct {
	credential string
	expires    time.Time
}

// Invite returns a code for the field "invitation" of a sign-in at [SessionPath]. It is valid once, and for
// [InvitationLife]. The session is that of the credential. With 100 invitations open, Invite returns "".
func (a *Authority) Invite(credential string) string {
	i := &a.invitations
	i.mu.Lock()
	defer i.mu.Unlock()
	for code, known := range i.open {
		if !i.now().Before(known.expires) {
			delete(i.open, code)
		}
	}
	if len(i.open) >= mostInvitations {
		return ""
	}
	code := randomName(24)
	i.open[fingerprint(code)] = invitation{credential, i.now().Add(InvitationLife)}
	return code
}

// accept ends an invitation and returns its credential.
func (a *Authority) accept(ctx context.Context, code string) (*record, error) {
	i := &a.invitations
	i.mu.Lock()
	known, found := i.open[fingerprint(code)]
	delete(i.open, fingerprint(code))
	i.mu.Unlock()
	if !found || !i.now().Before(known.expires) {
		return nil, errGrant("the link was used before or is too old: sign in with a key or an e-mail address")
	}
	r, err := a.directory.read(ctx, known.credential)
	if errors.Is(err, ErrNotFound) || err == nil && r.Disabled {
		err = errKey()
	}
	return r, err
}
