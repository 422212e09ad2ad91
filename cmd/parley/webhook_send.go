package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/outgoing"
	"github.com/parley-analytics/parley/schema"
)

type webhookSend struct {
	Add    sendAdd    `cmd:"" help:"Add an address to post to and print the webhook's id and signing secret. It starts with events accepted from now on."`
	List   sendList   `cmd:"" help:"List outgoing webhooks with the size of their queues."`
	Show   sendShow   `cmd:"" help:"Show the undelivered entries of a webhook's queue, or one delivery."`
	Retry  sendRetry  `cmd:"" help:"Attempt the queue of a webhook, or one delivery, again now."`
	Pause  sendPause  `cmd:"" help:"Pause a webhook. It keeps its queue and its position in the log."`
	Resume sendResume `cmd:"" help:"Resume a paused webhook where it stopped."`
	Remove sendRemove `cmd:"" help:"Remove a webhook and its queue."`
}

type sendAdd struct {
	ofProject
	URL                string   `name:"url" help:"Address to post to." required:"" placeholder:"URL"`
	Event              []string `help:"Events to post, separated by commas: chatStarted, chatFragment, chatTranscript, conversationClosed, satisfactionLow, waitExceeded, firstResponseExceeded, durationExceeded." enum:"chatStarted,chatFragment,chatTranscript,conversationClosed,satisfactionLow,waitExceeded,firstResponseExceeded,durationExceeded" required:"" placeholder:"EVENT"`
	LowSatisfaction    uint8    `help:"Highest customer satisfaction that is low, 1 to 4 (2 by default), with satisfactionLow." placeholder:"SCORE"`
	WaitAbove          int64    `help:"Threshold of a contact's wait time in milliseconds, with waitExceeded." placeholder:"MS"`
	FirstResponseAbove int64    `help:"Threshold of a contact's first response time in milliseconds, with firstResponseExceeded." placeholder:"MS"`
	DurationAbove      int64    `help:"Threshold of a conversation's duration in milliseconds, with durationExceeded." placeholder:"MS"`
	AllowPrivate       bool     `help:"Allow http:// and private, loopback and link-local addresses."`
}

// lowSatisfaction is the highest score that is low unless another one is given.
const lowSatisfaction = 2

// Run adds a webhook that begins at the end of the log.
func (c *sendAdd) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook send", outgoing.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	position, err := broker.Events().Last(a.ctx)
	if err != nil {
		return err
	}
	hook := outgoing.Hook{Project: schema.ProjectID(c.Project), URL: c.URL, AllowPrivate: c.AllowPrivate, AddedAt: time.Now().UTC()}
	for _, kind := range outgoing.Kinds() {
		for _, wanted := range c.Event {
			if wanted == string(kind) {
				hook.Events = append(hook.Events, kind)
				break
			}
		}
	}
	hook.Thresholds = outgoing.Thresholds{LowSatisfaction: c.LowSatisfaction, WaitMs: c.WaitAbove, FirstResponseMs: c.FirstResponseAbove, DurationMs: c.DurationAbove}
	if c.LowSatisfaction == 0 && slices.Contains(hook.Events, outgoing.SatisfactionLow) {
		hook.LowSatisfaction = lowSatisfaction
	}
	if hook, err = registry.Add(a.ctx, hook, position); err != nil {
		return err
	}
	return printJSON(a.stdout, struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}{hook.ID, hook.Secret})
}

// listedHook is an outgoing webhook as commands show it, without its secret.
type listedHook struct {
	ID      string           `json:"id"`
	Project schema.ProjectID `json:"project"`
	URL     string           `json:"url"`
	Events  []outgoing.Kind  `json:"events"`
	outgoing.Thresholds
	AllowPrivate bool            `json:"allowPrivate"`
	AddedAt      time.Time       `json:"addedAt"`
	State        string          `json:"state"` // active, or why it is paused
	Position     schema.Sequence `json:"position"`
	Pending      int             `json:"pending"`
	Failed       int             `json:"failed"`
	LastStatus   int             `json:"lastStatus"`
	LastError    string          `json:"lastError"`
}

func listedOf(hook *outgoing.Hook, s *outgoing.Status) listedHook {
	l := listedHook{
		ID: hook.ID, Project: hook.Project, URL: hook.URL, Events: hook.Events, Thresholds: hook.Thresholds, AllowPrivate: hook.AllowPrivate, AddedAt: hook.AddedAt, State: "active",
		Position: s.Position, Pending: s.Pending, Failed: s.Failed, LastStatus: s.LastStatus, LastError: s.LastError,
	}
	if hook.Paused != "" {
		l.State = "paused: " + hook.Paused
	}
	return l
}

type sendList struct {
	engines.Location
	JSON bool `help:"Print JSON, one webhook a line."`
}

// Run lists the outgoing webhooks.
func (c *sendList) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook send", outgoing.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	hooks, err := registry.Hooks(a.ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ID\tPROJECT\tEVENTS\tURL\tSTATE\tPENDING\tFAILED\tSTATUS\tLAST ERROR")
	}
	for i := range hooks {
		status, err := registry.Status(a.ctx, hooks[i].ID)
		if err != nil {
			return err
		}
		l := listedOf(&hooks[i], &status)
		if c.JSON {
			if err := printJSON(a.stdout, l); err != nil {
				return err
			}
			continue
		}
		events := make([]string, len(l.Events))
		for n, kind := range l.Events {
			events[n] = string(kind)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", l.ID, l.Project, strings.Join(events, ","), printable(l.URL), l.State,
			l.Pending, l.Failed, statusOf(l.LastStatus), errorOf(l.LastError))
	}
	return table.Flush()
}

func statusOf(status int) string {
	if status == 0 {
		return "-"
	}
	return fmt.Sprint(status)
}

// errorOf formats the last error for a table.
func errorOf(text string) string {
	if text == "" {
		return "-"
	}
	return printable(text)
}

// ofOutgoing is the argument that names an outgoing webhook or a delivery.
type ofOutgoing struct {
	engines.Location
	ID string `arg:"" help:"Id of the webhook (out_…)."`
}

type sendShow struct {
	engines.Location
	ID   string `arg:"" help:"Id of the webhook (out_…) or of a delivery (msg_…)."`
	JSON bool   `help:"Print JSON, one entry a line."`
}

// Run shows the queue.
func (c *sendShow) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook send", outgoing.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	hook, err := registry.Hook(a.ctx, outgoing.HookOf(c.ID))
	if err != nil {
		return err
	}
	queue, err := registry.Queue(a.ctx, hook.ID)
	if err != nil {
		return err
	}
	shown := 0
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ID\tEVENT\tCONVERSATION\tSTATE\tQUEUED\tATTEMPTS\tNEXT\tSTATUS\tLAST ERROR")
	}
	for i := range queue {
		d := &queue[i]
		if c.ID != hook.ID && c.ID != d.ID {
			continue
		}
		shown++
		state, next := "pending", d.NextAt.UTC().Format(time.DateTime)
		if d.Failed() {
			state, next = "failed", "-"
		}
		if c.JSON {
			err := printJSON(a.stdout, struct {
				outgoing.Delivery
				State string `json:"state"`
			}{*d, state})
			if err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.ID, d.Event, d.Conversation, state, d.QueuedAt.UTC().Format(time.DateTime),
			d.Attempts, next, statusOf(d.LastStatus), errorOf(d.LastError))
	}
	if shown == 0 && c.ID != hook.ID {
		return fmt.Errorf("%w in the queue; it may have been delivered", outgoing.ErrNotFound)
	}
	return table.Flush()
}

type sendRetry struct {
	engines.Location
	ID string `arg:"" help:"Id of the webhook (out_…) or of a delivery (msg_…)."`
}

// Run requests another attempt.
func (c *sendRetry) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook send", outgoing.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	asked, err := registry.Retry(a.ctx, c.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "deliveries to be attempted again: %d\n", asked)
	return nil
}

// change applies one change to a webhook.
func (c *ofOutgoing) change(a *app, done string, do func(*outgoing.Registry) error) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook send", outgoing.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := do(registry); err != nil {
		return err
	}
	fmt.Fprintln(a.stderr, done)
	return nil
}

type sendPause struct{ ofOutgoing }

// Run pauses the webhook.
func (c *sendPause) Run(a *app) error {
	return c.change(a, "webhook paused", func(r *outgoing.Registry) error { return r.Pause(a.ctx, c.ID, "by an operator") })
}

type sendResume struct{ ofOutgoing }

// Run resumes the webhook.
func (c *sendResume) Run(a *app) error {
	return c.change(a, "webhook resumed", func(r *outgoing.Registry) error { return r.Pause(a.ctx, c.ID, "") })
}

type sendRemove struct{ ofOutgoing }

// Run removes the webhook.
func (c *sendRemove) Run(a *app) error {
	return c.change(a, "webhook removed", func(r *outgoing.Registry) error { return r.Remove(a.ctx, c.ID) })
}
