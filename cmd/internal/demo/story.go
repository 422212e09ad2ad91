package demo

import "time"

// A history tells a story, the same in every cycle of four weeks, so that each month of it has all of it:
//
//	weeks 1 and 2   the shop of project 1001 has no bot: people answer everything
//	week 3          its bot is launched on Monday, and takes over two of five conversations
//	Tuesday of it   a bad day: long queues, more visitors who give up, worse marks
//
// A live stream, which measurements use, has no story.
type chapter struct {
	bad bool // the bad day
	bot bool // the bot of the shop works
}

const (
	cycle     = 4 * week
	botLaunch = 2 * week
	badDay    = botLaunch + 24*time.Hour
	botShop   = 1001
)

// chapterAt is the part of the story at a moment.
func chapterAt(at time.Time) chapter {
	since := at.Sub(epoch) % cycle
	return chapter{bad: since >= badDay && since < badDay+24*time.Hour, bot: since >= botLaunch}
}
