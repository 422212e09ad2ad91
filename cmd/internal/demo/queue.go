package demo

func (e *Event) before(other *Event) bool {
	if e.At.Equal(other.At) {
		return e.rank < other.rank
	}
	return e.At.Before(other.At)
}

// queue is a heap of events by time, then rank. It is implemented here because container/heap calls
// through an interface at each step, which costs a third of the speed.
type queue []Event

func (q *queue) push(e Event) {
	*q = append(*q, e)
	h := *q
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

// pop takes the earliest event. The queue must not be empty.
func (q *queue) pop() Event {
	h := *q
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = Event{}
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(&h[child]) {
			child++
		}
		if !h[child].before(&last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = last
	return first
}
