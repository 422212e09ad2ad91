package chatra

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Client is a visitor in a response. Unknown members are left out.
type Client struct {
	ID              string            `json:"id"`
	ChatID          string            `json:"chatId,omitempty"`
	ChatLink        string            `json:"chatLink,omitempty"`
	GroupID         string            `json:"groupId,omitempty"`
	IP              string            `json:"ip,omitempty"`
	BrowserLanguage string            `json:"browserLanguage,omitempty"`
	ChatLanguage    string            `json:"chatLanguage,omitempty"`
	Browser         string            `json:"browser,omitempty"`
	OS              string            `json:"os,omitempty"`
	Country         string            `json:"country,omitempty"`
	City            string            `json:"city,omitempty"`
	DisplayedName   string            `json:"displayedName,omitempty"`
	BasicInfo       map[string]string `json:"basicInfo"`       // the profile
	IntegrationData map[string]string `json:"integrationData"` // what the openings say
	Info            map[string]string `json:"info"`            // both, the profile first
}

// mostOpenings is the maximum number of openings read of one conversation.
const mostOpenings = 100

// known reads the present state of a client; a missing one is an error.
func (h *Handler) known(ctx context.Context, who caller, id string) (query.Scope, *ClientRow, error) {
	scope, err := h.fresh(ctx, who)
	if err != nil {
		return scope, nil, err
	}
	row, err := h.config.Tables.Client(ctx, scope, id)
	if err == nil && row == nil {
		err = errClient()
	}
	return scope, row, err
}

// client answers a GET.
func (h *Handler) client(ctx context.Context, who caller, id string) (any, error) {
	scope, row, err := h.known(ctx, who, id)
	if err != nil {
		return nil, err
	}
	c := &Client{ID: id, BasicInfo: row.Profile.info(), IntegrationData: row.Opened.info(), Info: make(map[string]string)}
	if row.Notes != nil && *row.Notes != "" {
		c.BasicInfo["notes"] = *row.Notes
	}
	if row.Language != nil {
		c.ChatLanguage = *row.Language
	}
	c.facts(row.CustomData)
	maps.Copy(c.Info, c.IntegrationData)
	maps.Copy(c.Info, c.BasicInfo)
	c.DisplayedName = c.Info["name"]
	if row.Conversation != nil {
		c.ChatID, err = h.chat(ctx, scope, schema.ConversationID(*row.Conversation))
	}
	return c, err
}

// facts splits the custom data of an opening: members with their own place, and the rest.
func (c *Client) facts(custom map[string]string) {
	places := map[string]*string{
		"chatLink": &c.ChatLink, "groupId": &c.GroupID, "ipAddress": &c.IP, "browserLanguage": &c.BrowserLanguage,
		"browser": &c.Browser, "os": &c.OS, "country": &c.Country, "city": &c.City,
	}
	elsewhere := []string{"hostName", "chatStartedPage", "marketingConsent", "termsOfServiceConsent", "ipLocation"} // webhooks only, or not of Chatra
	for name, value := range custom {
		switch place, known := places[name]; {
		case known:
			*place = value
		case !slices.Contains(elsewhere, name) && c.IntegrationData[name] == "":
			c.IntegrationData[name] = value
		}
	}
}

// info is what Chatra calls the members of a person.
func (p *Person) info() map[string]string {
	var names []string
	for _, part := range []*string{p.FirstName, p.LastName} {
		if part != nil && *part != "" {
			names = append(names, *part)
		}
	}
	info := make(map[string]string)
	if len(names) > 0 {
		info["name"] = strings.Join(names, " ")
	}
	if p.Email != nil && *p.Email != "" {
		info["email"] = *p.Email
	}
	if p.Phone != nil && *p.Phone != "" {
		info["phone"] = *p.Phone
	}
	return info
}

// chat is the id of the chat that a conversation is part of; "" where its source
// has none.
func (h *Handler) chat(ctx context.Context, scope query.Scope, id schema.ConversationID) (string, error) {
	rows, err := h.config.Tables.OpeningEvents(ctx, scope, schema.ConversationKey{Project: scope.Projects.IDs[0], Conversation: id}, mostOpenings)
	for _, row := range rows {
		var event struct {
			Data struct {
				ExternalID string `json:"externalId"`
			} `json:"data"`
		}
		if json.Unmarshal([]byte(row.Original), &event) == nil && event.Data.ExternalID != "" {
			return event.Data.ExternalID, err
		}
	}
	return "", err
}

// profile is what a PUT changes.
type profile struct {
	Customer map[string]string `json:"customer"`
	Clear    []string          `json:"clear,omitempty"`
}

// set sets a member of the profile to a value; "" removes it.
func (p *profile) set(name, value string) {
	if value == "" {
		p.Clear = append(p.Clear, name)
		return
	}
	p.Customer[name] = value
}

// readProfile reads the body of a PUT. null removes, and so does the empty string.
func readProfile(id string, body fields) (*profile, error) {
	p := &profile{Customer: map[string]string{"id": id}}
	for name := range body {
		most := schema.MaxNameBytes
		switch name {
		case "notes":
			most = maxText
		case "name", "email", "phone":
		default:
			return nil, errFormat()
		}
		value, err := body.text(name, most)
		if err != nil {
			return nil, err
		}
		if name != "name" {
			p.set(name, value)
			continue
		}
		given, family, _ := strings.Cut(strings.TrimSpace(value), " ")
		p.set("firstName", given)
		p.set("lastName", strings.TrimSpace(family))
	}
	slices.Sort(p.Clear)
	return p, nil
}

// change answers a PUT with the client as it is after it.
func (h *Handler) change(ctx context.Context, who caller, id string, body fields) (any, error) {
	p, err := readProfile(id, body)
	if err != nil {
		return nil, err
	}
	_, row, err := h.known(ctx, who, id)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		err = h.config.Log.Append(ctx, who.project, []Event{{
			ID: "profile:" + rand.Text(), Type: schema.TypeCustomer, Time: h.after(schema.Timestamp(row.ProfileAt)),
			Subject: schema.ProfileSubject(who.project, schema.ProfileCustomer, id), Data: p,
		}})
		if err != nil {
			return nil, err
		}
	}
	return h.client(ctx, who, id)
}
