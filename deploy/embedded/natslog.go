package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// natsLog writes the server's warnings and errors to slog and drops the rest. It keeps the first
// fatal message, for which the server would otherwise exit the process.
type natsLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	first string
}

func (l *natsLog) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

func (l *natsLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	if l.first == "" {
		l.first = fmt.Sprintf(format, v...)
	}
	l.mu.Unlock()
	l.Errorf(format, v...)
}

func (l *natsLog) Errorf(format string, v ...any) { l.log(slog.LevelError, format, v) }
func (l *natsLog) Warnf(format string, v ...any)  { l.log(slog.LevelWarn, format, v) }
func (l *natsLog) Noticef(string, ...any)         {}
func (l *natsLog) Debugf(string, ...any)          {}
func (l *natsLog) Tracef(string, ...any)          {}

func (l *natsLog) log(level slog.Level, format string, v []any) {
	if l.logger != nil {
		l.logger.Log(context.Background(), level, fmt.Sprintf(format, v...), "engine", "nats")
	}
}
