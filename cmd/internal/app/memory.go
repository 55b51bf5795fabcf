package app

import (
	"os"
	"runtime/debug"
)

// memoryGoal is what the process may grow to before garbage is collected more
// often than it would be: beside a log that fills the memory of a busy host, a
// collector that lets the heap double is too much. What is alive stays below it.
const memoryGoal = 192 << 20

// boundMemory sets the goal, unless the environment has set one.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
}

// sparingly is how much of what is alive may lie beside it as garbage before it
// is collected, in percent: serve runs for weeks beside what it watches, and
// makes little garbage.
const sparingly = 15

// saveMemory collects garbage sooner, unless the environment says when.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(sparingly)
	}
}
