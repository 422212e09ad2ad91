// Where Chromium is.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'

export const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))

assert.ok(executablePath, 'Chromium is missing: apt-get install chromium, or set CHROMIUM to its path')
