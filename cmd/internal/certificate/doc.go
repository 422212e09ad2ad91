// Package certificate makes TLS configurations of PEM files.
//
//	listeners     [Flags.Load] reads the certificate of a process, [Pair.Listener] and
//	              [Pair.ListenerFor] serve it, the latter only to clients with a certificate
//	servers       [Pair.Mutual] is for servers that connect to each other, with one certificate for both sides
//	clients       a [Connection] checks the server's certificate, and presents one of the client
//	own commands  a [Connection] with Same accepts exactly the certificate that the serve on the
//	              data dir has, whatever names are in it
//
// The files are checked at the start: what cannot be used is an error that names its flag. A [Pair], and the CA
// certificates for clients, are read again when their files change, at the next handshake; new files that cannot be
// used are logged, and the previous ones stay. The CA certificates of a [Connection], and those that [Pair.Mutual] dials with, are read once. The minimum version
// is TLS 1.2.
package certificate
