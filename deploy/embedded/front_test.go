package embedded_test

import "net/http"

func closeIdle() { http.DefaultClient.CloseIdleConnections() }
