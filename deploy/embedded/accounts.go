package embedded

import (
	"crypto/subtle"
	"fmt"
	"strings"

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
	server *server.Server
}

// Check is called by the server for each new connection.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
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

// logAccount stands for the server's global account, $G, which its configuration language does not name.
const logAccount = "PARLEY_LOG"

// noInfo is a subject that nothing answers. The accounts without streams import it in the place of JetStream's own
// information: the server gives the whole API of JetStream to an account that lacks it.
const (
	noInfo        = "parley.none"
	jetStreamInfo = "$JS.API.INFO"
)

// accounts returns the accounts and what they share, in the form in which they are part of the server's options: servers of a
// cluster exchange what their accounts are interested in, and recover their streams, as soon as they start.
func accounts() ([]*server.Account, error) {
	var exports []string
	imports := map[string][]string{}
	take := func(account, from, as string) {
		imports[account] = append(imports[account], fmt.Sprintf("{service: {account: %s, subject: %q}, to: %q}", logAccount, as, from))
	}
	share := func(account, from, as, answers string) {
		exports = append(exports, fmt.Sprintf("{service: %q, response: %s, accounts: [%s]}", as, answers, account))
		take(account, from, as)
	}
	share(publishAccount, publishSubject, publishSubject, "single")
	for _, subject := range readSubjects {
		share(readAccount, subject, subject, "stream")
	}
	share(readAccount, createSubject, gateSubject, "single")
	share(readAccount, createSubject+".>", gateSubject+".>", "single")
	exports = append(exports, fmt.Sprintf("{service: %q, accounts: [%s, %s]}", noInfo, publishAccount, readAccount))
	take(publishAccount, jetStreamInfo, noInfo)
	take(readAccount, jetStreamInfo, noInfo)

	parsed := new(server.Options)
	err := parsed.ProcessConfigString(fmt.Sprintf("accounts {\n%s {jetstream: enabled, exports: [%s]}\n%s {jetstream: enabled}\n%s {imports: [%s]}\n%s {imports: [%s]}\n}",
		logAccount, strings.Join(exports, ", "), privateAccount,
		publishAccount, strings.Join(imports[publishAccount], ", "), readAccount, strings.Join(imports[readAccount], ", ")))
	if err != nil {
		return nil, fmt.Errorf("embedded nats: accounts: %w", err)
	}
	for _, account := range parsed.Accounts {
		if account.Name == logAccount {
			account.Name = server.DEFAULT_GLOBAL_ACCOUNT
		}
	}
	return parsed.Accounts, nil
}
