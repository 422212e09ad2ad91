package schema

import "time"

// Rules for times.
const (
	ruleTime      = "must be an RFC 3339 time with an offset, e.g. 2024-03-01T10:59:58.123Z"
	ruleTimeRange = "must be from 1970-01-01T00:00:00Z to the end of 2199 (UTC)"
	ruleTimeAhead = "must be at most 24 h after the moment the log took the event"
)

// MaxAhead is the maximum distance of an event's time after the moment the log accepted it.
const MaxAhead = 24 * time.Hour

// maxTimestamp is the last millisecond of 2199.
var maxTimestamp = TimestampOf(time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)) - 1

// ParseTimestamp reads an RFC 3339 time: any offset, any number of digits of a
// second, T and Z in either case, but a T and not a space. It is cut, not
// rounded, to the millisecond and must lie from 1970-01-01T00:00:00Z to the end
// of 2199 in UTC. A leap second (23:59:60 in UTC) is taken and counts as the
// second after it, as Unix time has it. The error is an [*Error] without a
// field.
func ParseTimestamp(text string) (Timestamp, error) {
	t, rule := parseTimestamp(text)
	if rule != "" {
		return 0, &Error{Code: CodeInvalid, Rule: rule}
	}
	return t, nil
}

// parseTimestamp is ParseTimestamp over strings and bytes. The rule is empty if the time is valid.
func parseTimestamp[T ~string | ~[]byte](text T) (t Timestamp, rule string) {
	seconds, nanos, ok := scanMoment(text)
	if !ok {
		return 0, ruleTime
	}
	t = Timestamp(seconds*1000 + nanos/int64(time.Millisecond))
	if t < 0 || t > maxTimestamp {
		return 0, ruleTimeRange
	}
	return t, ""
}

// ParseMoment reads an RFC 3339 time as [ParseTimestamp] does, of any year and to
// the nanosecond, in UTC.
func ParseMoment(text string) (time.Time, error) {
	seconds, nanos, ok := scanMoment(text)
	if !ok {
		return time.Time{}, &Error{Code: CodeInvalid, Rule: ruleTime}
	}
	return time.Unix(seconds, nanos).UTC(), nil
}

// scanMoment reads an RFC 3339 time as seconds since 1970 and nanoseconds. It does not use
// [time.Parse], which refuses a leap second and a lower-case t or z (valid in RFC 3339), accepts a
// comma before the fraction and an offset of 24:00 (invalid), and needs a string, while an event's
// time is read from bytes. Measured for a time of 24 bytes: 52 ns here, 305 ns with time.Parse.
func scanMoment[T ~string | ~[]byte](text T) (seconds, nanos int64, ok bool) {
	// yyyy-mm-ddThh:mm:ss, then a fraction, then Z or ±hh:mm.
	if len(text) < len("2006-01-02T15:04:05Z") ||
		text[4] != '-' || text[7] != '-' || text[10]|0x20 != 't' || text[13] != ':' || text[16] != ':' {
		return 0, 0, false
	}
	century, ok1 := twoDigits(text, 0, 99)
	year, ok2 := twoDigits(text, 2, 99)
	month, ok3 := twoDigits(text, 5, 12)
	day, ok4 := twoDigits(text, 8, 31)
	hour, ok5 := twoDigits(text, 11, 23)
	minute, ok6 := twoDigits(text, 14, 59)
	second, ok7 := twoDigits(text, 17, 60)
	year += 100 * century
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) || month < 1 || day < 1 || day > daysIn(year, month) {
		return 0, 0, false
	}

	i := 19
	if text[i] == '.' {
		i++
		start := i
		for scale := int64(100_000_000); i < len(text) && isDigit(text[i]); i++ {
			nanos += scale * int64(text[i]-'0')
			scale /= 10
		}
		if i == start {
			return 0, 0, false
		}
	}

	var offset int64 // minutes
	switch rest := len(text) - i; {
	case rest == 1 && text[i]|0x20 == 'z':
	case rest == 6 && (text[i] == '+' || text[i] == '-') && text[i+3] == ':':
		h, okHour := twoDigits(text, i+1, 23)
		m, okMinute := twoDigits(text, i+4, 59)
		if !okHour || !okMinute {
			return 0, 0, false
		}
		offset = h*60 + m
		if text[i] == '-' {
			offset = -offset
		}
	default:
		return 0, 0, false
	}

	minutes := (daysSinceEpoch(year, month, day)*24+hour)*60 + minute - offset
	const minutesOfDay = 24 * 60
	if second == 60 && (minutes%minutesOfDay+minutesOfDay)%minutesOfDay != minutesOfDay-1 {
		return 0, 0, false
	}
	return minutes*60 + second, nanos, true
}

// twoDigits reads the number of two digits at i, which must not be over limit.
func twoDigits[T ~string | ~[]byte](text T, i int, limit int64) (n int64, ok bool) {
	a, b := text[i]-'0', text[i+1]-'0'
	n = int64(a)*10 + int64(b)
	return n, a <= 9 && b <= 9 && n <= limit
}

// daysIn returns the number of days of a month of the Gregorian calendar.
func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts the days from 1970-01-01 to a date of the Gregorian
// calendar; years are from 0 on. The year is taken to begin in March, so that
// the leap day is its last.
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	year += 400 // one cycle more, so that the divisions below have no negative operand
	days := 365*year + year/4 - year/100 + year/400
	days += (153*(month-3) + 2) / 5
	const epoch = 719468 + 146097 // 1970-01-01 counted from March of year 0, and the cycle
	return days + day - 1 - epoch
}
