package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// accessFlags configure trust: in proxies for the address of the sender, and in an external issuer for the caller.
type accessFlags struct {
	TrustedProxy      []network         `help:"Addresses or networks of reverse proxies whose X-Forwarded-For is trusted. None by default." group:"Access" placeholder:"CIDR"`
	OIDCIssuer        string            `name:"oidc-issuer" help:"URL of an OpenID Connect issuer whose tokens are accepted as well." group:"Access" placeholder:"URL"`
	OIDCAudience      string            `name:"oidc-audience" help:"Audience that the issuer's tokens must have." group:"Access" placeholder:"NAME"`
	OIDCScopesClaim   string            `name:"oidc-scopes-claim" help:"Claim that holds the scopes." file:"access.oidc.scopes-claim" default:"scope"`
	OIDCProjectsClaim string            `name:"oidc-projects-claim" help:"Claim that holds the projects: a list of integers, 1,2 or all." file:"access.oidc.projects-claim" default:"parley_projects"`
	OIDCScopeName     map[string]string `name:"oidc-scope-name" help:"Map an issuer's scope name to a Parley scope, e.g. THEIRS: read. Defaults to identical names." file:"access.oidc.scope-names" placeholder:"THEIRS=OURS"`
}

// config returns the credential check that the flags describe.
func (f *accessFlags) config() (auth.Config, error) {
	var c auth.Config
	for _, n := range f.TrustedProxy {
		c.Proxies = append(c.Proxies, netip.Prefix(n))
	}
	if f.OIDCIssuer == "" {
		if f.OIDCAudience != "" || len(f.OIDCScopeName) > 0 {
			return c, errors.New("--oidc-audience and access.oidc.scope-names need --oidc-issuer")
		}
		return c, nil
	}
	if f.OIDCAudience == "" {
		return c, errors.New("--oidc-issuer needs --oidc-audience: without it tokens made for other services would be accepted")
	}
	c.OIDC = &auth.OIDC{
		Issuer: f.OIDCIssuer, Audience: f.OIDCAudience,
		ScopesClaim: f.OIDCScopesClaim, ProjectsClaim: f.OIDCProjectsClaim,
	}
	for theirs, ours := range f.OIDCScopeName {
		scopes, err := auth.ParseScopes(ours)
		if err != nil || len(scopes) != 1 {
			return c, fmt.Errorf("access.oidc.scope-names: %s must map to read, ingest or admin", theirs)
		}
		if c.OIDC.ScopeNames == nil {
			c.OIDC.ScopeNames = make(map[string]schema.Scope)
		}
		c.OIDC.ScopeNames[theirs] = scopes[0]
	}
	return c, nil
}

// network is an address or a network of addresses.
type network netip.Prefix

// String writes 10.0.0.0/8.
func (n network) String() string { return netip.Prefix(n).String() }

// UnmarshalText reads 10.0.0.0/8 or 10.1.2.3.
func (n *network) UnmarshalText(text []byte) error {
	if !strings.Contains(string(text), "/") {
		address, err := netip.ParseAddr(string(text))
		if err != nil || address.Zone() != "" {
			return fmt.Errorf("%q is not an address or network: write 10.0.0.0/8 or 10.1.2.3", text)
		}
		address = address.Unmap()
		*n = network(netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address or network: write 10.0.0.0/8 or 10.1.2.3", text)
	}
	*n = network(prefix.Masked())
	return nil
}
