// Package enginetest provides the real engines to tests: a NATS server and a ClickHouse started by package embedded, or servers
// that the environment names. An engine that is missing fails the run; nothing is skipped.
//
// A package that uses it has this TestMain, because the ClickHouse process is the test binary started again:
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
// [NATS] starts a server of its own for each call, which takes a few milliseconds. [ClickHouse] starts one process for the whole
// test binary at its first call; tests keep apart by the databases [Database] makes.
//
// With PARLEY_TEST_NATS_URL (nats://USER:PASSWORD@HOST:PORT) or PARLEY_TEST_CLICKHOUSE_URL (http://HOST:PORT, with
// PARLEY_TEST_CLICKHOUSE_NATIVE as HOST:PORT and _WRITER, _READER and _BI as USER:PASSWORD) the same tests run against servers that are there already. The
// users and grants there are the operator's; a NATS server named this way is shared by all tests, so streams need names of their own.
package enginetest
