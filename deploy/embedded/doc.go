// Package embedded starts the two engines Parley needs on the machine it runs on: a NATS server inside this process, and a
// ClickHouse as a supervised child process.
package embedded
