package embedded

import (
	"crypto/subtle"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// The accounts of the server. A subject of one account does not exist in another, inboxes included, unless it is imported.
//
//	$G              the log: its streams. Parley itself and the operator.
//	PARLEY_PRIVATE  state shared by the roles: credentials, secrets, leases, the ledger. Parley itself.
//	PARLEY_PUBLISH  publishers: parley.publish.* of the log's account, without access to JetStream.
//	PARLEY_READ     readers: the requests needed to read the stream of events.
const (
	privateAccount = "PARLEY_PRIVATE"
	publishAccount = "PARLEY_PUBLISH"
	readAccount    = "PARLEY_READ"
)

const (
	inboxes        = "_INBOX.>"
	publishSubject = "parley.publish.*"
	eventsStream   = "PARLEY_EVENTS"
)

// readSubjects are the JetStream requests that readers may make. Consumers are created through the gate.
var readSubjects = []string{
	"$JS.API.STREAM.INFO." + eventsStream,
	"$JS.API.STREAM.MSG.GET." + eventsStream,
	"$JS.API.DIRECT.GET." + eventsStream,
	"$JS.API.DIRECT.GET." + eventsStream + ".>",
	"$JS.API.CONSUMER.INFO." + eventsStream + ".*",
	"$JS.API.CONSUMER.MSG.NEXT." + eventsStream + ".*",
	"$JS.ACK." + eventsStream + ".>",
}

// NATSUsers are the users of the server. Those without a name do not exist.
type NATSUsers struct {
	// Log is Parley's own user of the log, with all permissions there.
	Log User `json:"log"`
	// Private is Parley's own user of the state shared by the roles.
	Private User `json:"private"`
	// Publisher may only publish events.
	Publisher User `json:"publisher"`
	// Reader may read the stream of events, by pull consumers and by sequence.
	Reader User `json:"reader"`
	// Operator may administer the log's streams and read all of their contents.
	Operator User `json:"operator"`
}

// authenticator accepts users, over TCP and in process, each with the account and rights of its role.
type authenticator struct {
	users  NATSUsers
	open   chan struct{} // closed when the accounts are there
	server *server.Server
}

// Check is called by the server for each new connection.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	<-a.open
	got := c.GetOpts()
	for _, role := range []struct {
		user      User
		account   string
		publish   []string
		unlimited bool
	}{
		{user: a.users.Log, account: a.server.GlobalAccount().Name, unlimited: true},
		{user: a.users.Private, account: privateAccount, unlimited: true},
		{user: a.users.Publisher, account: publishAccount, publish: []string{publishSubject}},
		{user: a.users.Reader, account: readAccount, publish: append([]string{createSubject + ".>", createSubject}, readSubjects...)},
		{user: a.users.Operator, account: a.server.GlobalAccount().Name, publish: []string{"$JS.API.>", "$JS.ACK.>", "$JS.FC.>", publishSubject}},
	} {
		if role.user.Name == "" || subtle.ConstantTimeCompare([]byte(got.Username+"\x00"+got.Password), []byte(role.user.Name+"\x00"+role.user.Password)) != 1 {
			continue
		}
		account, err := a.server.LookupAccount(role.account)
		if err != nil {
			return false
		}
		user := &server.User{Username: role.user.Name, Account: account}
		if !role.unlimited {
			user.Permissions = &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: role.publish},
				Subscribe: &server.SubjectPermission{Allow: []string{inboxes}},
			}
		}
		c.RegisterUser(user)
		return true
	}
	return false
}

// makeAccounts adds the accounts to a running server and connects them to the log's account.
func makeAccounts(s *server.Server) error {
	private, err := s.RegisterAccount(privateAccount)
	if err != nil {
		return fmt.Errorf("embedded nats: account %s: %w", privateAccount, err)
	}
	if err := private.EnableJetStream(nil, nil); err != nil {
		return fmt.Errorf("embedded nats: JetStream of account %s: %w", privateAccount, err)
	}
	publish, err := s.RegisterAccount(publishAccount)
	if err != nil {
		return fmt.Errorf("embedded nats: account %s: %w", publishAccount, err)
	}
	read, err := s.RegisterAccount(readAccount)
	if err != nil {
		return fmt.Errorf("embedded nats: account %s: %w", readAccount, err)
	}
	log := s.GlobalAccount()
	share := func(to *server.Account, from, as string, answers server.ServiceRespType) error {
		if err := log.AddServiceExportWithResponse(as, answers, []*server.Account{to}); err != nil {
			return fmt.Errorf("embedded nats: export %s: %w", as, err)
		}
		if err := to.AddServiceImport(log, from, as); err != nil {
			return fmt.Errorf("embedded nats: import %s: %w", from, err)
		}
		return nil
	}
	if err := share(publish, publishSubject, publishSubject, server.Singleton); err != nil {
		return err
	}
	for _, subject := range readSubjects {
		if err := share(read, subject, subject, server.Streamed); err != nil {
			return err
		}
	}
	if err := share(read, createSubject, gateSubject, server.Singleton); err != nil {
		return err
	}
	return share(read, createSubject+".>", gateSubject+".>", server.Singleton)
}
