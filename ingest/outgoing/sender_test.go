package outgoing

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

func TestAChatStartsHasFragmentsAndATranscript(t *testing.T) {
	r := newRig(t)
	r.memory.append(
		event(1, 0, schema.TypeOpened, `{"channel":"CHAT"}`), says(1, 1, "auto", "welcome"), says(1, 2, "VISITOR", "help"),
		says(1, 3, "auto", "wait"), says(1, 4, "PROFESSIONAL", "sure"), says(2, 4, "auto", "nobody"), closes(1, 5),
		strings.Replace(says(3, 1, "VISITOR", "elsewhere"), `"projectid":7`, `"projectid":8`, 1),
	)
	r.gets(chatID(1), "chatStarted[help] chatFragment[welcome help] chatFragment[wait sure] chatTranscript[welcome help wait sure]")
	// Repeats in the log, a correction of a text, and a second close add nothing.
	r.memory.mu.Lock()
	repeated := string(r.memory.entries[2].Payload)
	r.memory.mu.Unlock()
	r.memory.append(repeated, closes(1, 6))
	r.memory.append(says(1, 7, "VISITOR", "thanks"), closes(1, 8), says(2, 9, "VISITOR", "end"))
	r.gets(chatID(2), "chatStarted[end] chatFragment[nobody end]")
	r.gets(chatID(1), "chatStarted[help] chatFragment[welcome help] chatFragment[wait sure] chatTranscript[welcome help wait sure] "+
		"chatFragment[thanks] chatTranscript[welcome help wait sure thanks]")
	if got := r.receiver.taken(chatID(3)); got != "" {
		t.Errorf("another project: %s", got)
	}
	r.queued(0, 0)
}

// TestMessagesAfterTheCloseMakeATranscript has the close arrive first.
func TestMessagesAfterTheCloseMakeATranscript(t *testing.T) {
	r := newRig(t, ChatTranscript)
	r.memory.append(closes(1, 5), says(1, 2, "PROFESSIONAL", "b"), says(1, 1, "VISITOR", "a"))
	r.gets(chatID(1), "chatTranscript[a b]")
}

// faults are receivers that take nothing, and how each shows in the queue.
var faults = map[string]struct {
	answer http.HandlerFunc
	status int
}{
	"500":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 500},
	"404":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, 404},
	"down": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, 200},
}

func TestNothingIsLostOrReorderedWhileTheReceiverIsDown(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.receiver.behave(fault.answer)
			r.memory.append(says(1, 1, "VISITOR", "a"), says(2, 1, "VISITOR", "x"), says(1, 2, "PROFESSIONAL", "b"))
			r.queued(5, 0)
			for minute := range 10 {
				r.advance(time.Minute)
				r.memory.append(says(1, 10+minute, "VISITOR", fmt.Sprint(minute)))
				r.queued(6+minute, 0)
			}
			r.eventually(func() error {
				queue, err := r.registry.Queue(t.Context(), r.hook.ID)
				if d := queue[0]; err != nil || d.Attempts < 3 || d.LastStatus != fault.status || d.LastError == "" {
					r.advance(time.Second) // a sender that read the clock before it moved waits for the next move
					return fmt.Errorf("%+v, %w", d, err)
				}
				return nil
			})
			if tries := r.receiver.tried(); tries > 20 {
				t.Errorf("%d attempts in ten minutes", tries)
			}
			r.receiver.behave(nil)
			r.advance(11 * time.Minute)
			r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b] chatFragment[0] chatFragment[1] chatFragment[2] chatFragment[3] "+
				"chatFragment[4] chatFragment[5] chatFragment[6] chatFragment[7] chatFragment[8] chatFragment[9]")
			r.gets(chatID(2), "chatStarted[x] chatFragment[x]")
			r.queued(0, 0)
		})
	}
}

func TestTheReceiverSaysWhenToComeBack(t *testing.T) {
	r := newRig(t, ChatStarted)
	for chat, c := range []struct {
		status      int
		after       string
		least, most time.Duration
	}{
		{429, "600", 10 * time.Minute, 12 * time.Minute},
		{503, "600", 10 * time.Minute, 12 * time.Minute},
		{429, "99999999999999999999", time.Hour, 72 * time.Minute},
		{429, "0", 5 * time.Second, 6 * time.Second},
		{429, "soon", 5 * time.Second, 6 * time.Second},
		{500, "600", 5 * time.Second, 6 * time.Second},
	} {
		r.receiver.behave(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.after)
			w.WriteHeader(c.status)
		})
		before := r.now()
		r.memory.append(says(chat, 1, "VISITOR", "a"))
		r.eventually(func() error {
			queue, err := r.registry.Queue(t.Context(), r.hook.ID)
			if err != nil || len(queue) == 0 || queue[0].Attempts == 0 {
				return fmt.Errorf("%d %s: %+v, %w", c.status, c.after, queue, err)
			}
			if next := queue[0].NextAt; next.Before(before.Add(c.least)) || next.After(r.now().Add(c.most)) {
				t.Errorf("%d %s: the next attempt comes after %s", c.status, c.after, next.Sub(before))
			}
			return nil
		})
		r.receiver.behave(nil)
		r.advance(2 * time.Hour)
		r.gets(chatID(chat), "chatStarted[a]")
		r.queued(0, 0)
	}
}

func TestASlowReceiverDelaysOnlyItsChat(t *testing.T) {
	r := newRig(t)
	release := make(chan struct{})
	slow := newReceiver(t)
	slow.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	r.add(Hook{Project: project, URL: slow.URL, Events: chatKinds(), AllowPrivate: true})
	r.memory.append(says(1, 1, "VISITOR", "a"), closes(1, 2))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatTranscript[a]")
	r.queued(0, 0)
}

func TestNothingIsSentToAnotherHost(t *testing.T) {
	r := newRig(t)
	other := newReceiver(t)
	t.Setenv("HTTP_PROXY", other.URL)
	for _, status := range []int{301, 302, 303, 307, 308} {
		before := r.receiver.tried()
		r.receiver.behave(func(w http.ResponseWriter, request *http.Request) { http.Redirect(w, request, other.URL, status) })
		r.memory.append(says(status, 1, "VISITOR", "a"))
		r.eventually(func() error {
			queue, err := r.registry.Queue(t.Context(), r.hook.ID)
			if len(queue) == 0 || queue[0].LastStatus != status || r.receiver.tried() == before {
				return fmt.Errorf("%d: %+v, %w", status, queue, err)
			}
			return nil
		})
		r.receiver.behave(nil)
		r.advance(time.Minute)
		r.gets(chatID(status), "chatStarted[a] chatFragment[a]")
		r.queued(0, 0)
	}
	if tries := other.tried(); tries != 0 {
		t.Errorf("%d requests to another host", tries)
	}
}

func TestARestartContinuesWhereItStopped(t *testing.T) {
	r := newRig(t)
	r.receiver.behave(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	r.memory.append(says(1, 1, "VISITOR", "a"))
	r.queued(2, 0)
	r.stop()
	r.memory.append(says(1, 2, "VISITOR", "b"))
	r.receiver.behave(nil)
	r.advance(time.Hour)
	r.start()
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b]")
	r.queued(0, 0)
	// What was sent is not sent again, and the position is kept.
	r.stop()
	r.start()
	r.memory.append(says(1, 3, "VISITOR", "c"))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b] chatFragment[c]")
}

// TestACrashBetweenQueueAndPositionRepeatsTheSameIDs goes back to the position before.
func TestACrashBetweenQueueAndPositionRepeatsTheSameIDs(t *testing.T) {
	r := newRig(t)
	r.memory.append(says(1, 1, "VISITOR", "a"))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a]")
	r.queued(0, 0)
	r.stop()
	if err := r.registry.put(t.Context(), positionPrefix+r.hook.ID, schema.Sequence(0)); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatStarted[a] chatFragment[a]")
	if got := r.receiver.got; got[0].id != got[2].id || got[1].id != got[3].id || got[0].id == got[1].id {
		t.Errorf("ids %v", got)
	}
}

func TestAttemptsEndAfterThreeDaysAndRetryBeginsThemAgain(t *testing.T) {
	r := newRig(t, ChatStarted, ChatTranscript)
	r.receiver.behave(faults["500"].answer)
	r.memory.append(says(1, 1, "VISITOR", "a"), closes(1, 2))
	r.queued(2, 0)
	for failed := false; !failed; r.advance(time.Hour) {
		r.eventually(func() error { // whatever is due is attempted
			queue, err := r.registry.Queue(t.Context(), r.hook.ID)
			if err != nil {
				return err
			}
			if failed = queue[0].Failed(); !failed && !queue[0].NextAt.After(r.now()) {
				r.advance(time.Second) // a sender that read the clock before it moved waits for the next move
				return fmt.Errorf("no attempt after %v", queue[0])
			}
			return nil
		})
	}
	r.advance(2 * MaxAge)
	queue := r.queued(0, 2)
	if d := queue[0]; d.Attempts < 9 || d.Attempts > 12 || d.LastStatus != 500 || d.FailedAt.Sub(d.QueuedAt) < 40*time.Hour {
		t.Errorf("%+v", d)
	}
	r.receiver.behave(nil)
	if n, err := r.registry.Retry(t.Context(), queue[1].ID); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.gets(chatID(1), "chatTranscript[a]")
	r.stop() // a request that nobody hears is kept
	if n, err := r.registry.Retry(t.Context(), r.hook.ID); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.start()
	r.gets(chatID(1), "chatTranscript[a] chatStarted[a]")
	r.queued(0, 0)
	for _, unknown := range []string{"", "out_0", queue[0].ID, "msg_", "a.b", "msg_a.b_1"} {
		if _, err := r.registry.Retry(t.Context(), unknown); err != ErrNotFound { //nolint:errorlint // as it is
			t.Errorf("retry %q: %v", unknown, err)
		}
	}
}

func TestGonePausesAndResumeContinues(t *testing.T) {
	r := newRig(t)
	r.receiver.behave(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	r.memory.append(says(1, 1, "VISITOR", "a"))
	r.eventually(func() error {
		if hook, err := r.registry.Hook(t.Context(), r.hook.ID); err != nil || hook.Paused != "410 Gone" {
			return fmt.Errorf("%q, %w", hook.Paused, err)
		}
		return nil
	})
	r.receiver.behave(nil)
	r.memory.append(says(1, 2, "VISITOR", "b"))
	r.advance(time.Hour)
	if err := r.registry.Pause(t.Context(), r.hook.ID, ""); err != nil {
		t.Fatal(err)
	}
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b]")
}

func TestARemovedWebhookLeavesNoData(t *testing.T) {
	r := newRig(t)
	r.receiver.behave(faults["500"].answer)
	r.memory.append(says(1, 1, "VISITOR", "a"))
	r.queued(2, 0)
	if err := r.registry.Remove(t.Context(), r.hook.ID); err != nil {
		t.Fatal(err)
	}
	r.eventually(func() error {
		left, err := r.registry.bucket.List(t.Context(), "")
		if err != nil || len(left) > 0 {
			return fmt.Errorf("%d keys are left, %w", len(left), err)
		}
		return nil
	})
	if err := r.registry.Remove(t.Context(), r.hook.ID); err != ErrNotFound { //nolint:errorlint // as it is
		t.Error(err)
	}
}

func TestTheQueueIsBoundedAndTheLogHoldsTheRest(t *testing.T) {
	r := newRig(t, ChatStarted)
	r.receiver.behave(faults["500"].answer)
	lines := make([]string, MaxPending+50)
	for n := range lines {
		lines[n] = says(n, 1, "VISITOR", "a")
	}
	r.memory.append(lines[:MaxPending]...)
	r.queued(MaxPending, 0)
	r.memory.append(lines[MaxPending:]...)
	before := r.receiver.tried()
	r.advance(time.Minute)
	r.eventually(func() error {
		if tries := r.receiver.tried() - before; tries < 100 {
			return fmt.Errorf("%d attempts", tries)
		}
		return nil
	})
	r.queued(MaxPending, 0)
	r.receiver.behave(nil)
	r.advance(time.Hour)
	r.gets(chatID(len(lines)-1), "chatStarted[a]")
}

func TestErasedConversationsSendNothing(t *testing.T) {
	r := newRig(t)
	r.memory.append(event(1, 0, schema.TypeOpened, `{"channel":"CHAT","visitor":{"id":"erased-1"}}`), says(1, 1, "PROFESSIONAL", "a"), closes(1, 2), says(2, 3, "VISITOR", "z"))
	moved := strings.Replace(says(3, 4, "PROFESSIONAL", "b"), `"projectid"`, `"parleyorigin":"1","projectid"`, 1) // it has no visitor
	r.memory.append(moved, says(2, 5, "VISITOR", "y"))
	r.gets(chatID(2), "chatStarted[z] chatFragment[z] chatFragment[y]")
	for _, chat := range []int{1, 3} {
		if got := r.receiver.taken(chatID(chat)); got != "" {
			t.Error(got)
		}
	}
}

func TestOneOfTwoSendersSends(t *testing.T) {
	r := newRig(t)
	first := r.stop
	r.memory.append(says(1, 1, "VISITOR", "a"))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a]")
	r.start()
	r.memory.append(says(1, 2, "VISITOR", "b"))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b]")
	first()
	r.memory.append(says(1, 3, "VISITOR", "c"))
	r.gets(chatID(1), "chatStarted[a] chatFragment[a] chatFragment[b] chatFragment[c]")
}

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34:443": true, "[2606:4700::1111]:443": true, "8.8.8.8:80": true,
		"127.0.0.1:80": false, "10.1.2.3:80": false, "172.16.0.1:80": false, "192.168.1.1:80": false, "169.254.169.254:80": false,
		"100.64.0.1:80": false, "0.0.0.0:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false, "198.18.0.1:80": false,
		"[::1]:80": false, "[::]:80": false, "[fe80::1%eth0]:80": false, "[fc00::1]:80": false, "[ff02::1]:80": false,
		"[::ffff:127.0.0.1]:80": false, "[::ffff:10.0.0.1]:80": false, "[64:ff9b::7f00:1]:80": false, "[2002:7f00:1::]:80": false,
		"[::127.0.0.1]:80": false, "[fec0::1]:80": false, "[2001:db8::1]:80": false, "nonsense": false,
	} {
		if err := public(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	// Names count by what they resolve to.
	target, err := newTarget(&Hook{URL: "https://localhost:1/x?token=t0ken", Secret: "whsec_AAAA"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.post(context.Background(), "msg_1", time.Now(), nil); err == nil || !strings.Contains(err.Error(), "not public") || strings.Contains(err.Error(), "t0ken") {
		t.Error(err)
	}
}

func TestAddRefusesWhatCannotBeSentTo(t *testing.T) {
	r := newRig(t)
	for _, hook := range []Hook{
		{URL: "http://example.com/", Events: chatKinds()}, {URL: "https://a:b@example.com/", Events: chatKinds()}, {URL: "ftp://example.com/", Events: chatKinds()},
		{URL: "/x", Events: chatKinds()}, {URL: "https://", Events: chatKinds()}, {URL: "https://example.com/", Events: nil}, {URL: "", Events: chatKinds()},
		{URL: "https://example.com/" + strings.Repeat("x", 2048), Events: chatKinds()},
	} {
		if _, err := r.registry.Add(t.Context(), hook, 0); err == nil {
			t.Errorf("%.40s is added", hook.URL)
		}
	}
	for range MaxHooks - 1 {
		r.add(Hook{URL: "https://example.com/", Events: chatKinds(), Paused: "by an operator"})
	}
	if _, err := r.registry.Add(t.Context(), Hook{URL: "https://example.com/", Events: chatKinds()}, 0); err == nil {
		t.Errorf("more than %d are added", MaxHooks)
	}
}
