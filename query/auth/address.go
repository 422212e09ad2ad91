package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of reverse proxies whose X-Forwarded-For is trusted. Without any, the
// sender is the direct peer and the header is ignored, because any client can set it.
type Proxies []netip.Prefix

// Sender returns the address a request comes from: the nearest one that is not
// a trusted proxy. The zero Addr when unknown.
func (p Proxies) Sender(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	sender := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusted(sender); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // entries further left were not written by a trusted proxy
		}
		sender = hop.Unmap().WithZone("")
	}
	return sender
}

// Encrypted reports whether the client's connection is encrypted, here or, as a trusted proxy says in
// X-Forwarded-Proto, at the proxy.
func (p Proxies) Encrypted(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	proxied := err == nil && p.trusted(peer.Addr().Unmap().WithZone(""))
	return r.TLS != nil || proxied && r.Header.Get("X-Forwarded-Proto") == "https"
}

func (p Proxies) trusted(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// network is the unit for counting attempts: an IPv4 address, or an IPv6 /64, which usually belongs to one sender.
func network(a netip.Addr) string {
	if a.Is6() {
		if prefix, err := a.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return a.String()
}
