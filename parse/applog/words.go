package applog

// A tone is what the words of a message tell, whatever its level says.
type tone uint8

const (
	toneLife    tone = 1 << iota // starts, stops, reloads, listens: of the program, not of a request
	toneTrouble                  // something failed, waits or is full
	toneChange                   // what runs is being changed: deploys, releases, migrations, flags
)

// toneBytes bounds how much of a message is looked at.
const toneBytes = 2048

// toneOf looks at each word once. It decides which informational lines are
// worth keeping, so a false alarm costs a record, not a verdict.
func toneOf(b []byte) (t tone) {
	if len(b) > toneBytes {
		b = b[:toneBytes]
	}
	var buf [16]byte
	for i := 0; i < len(b); {
		if !letter(b[i]) {
			i++
			continue
		}
		j, n := i, 0
		for j < len(b) && letter(b[j]) {
			if j > i && b[j] < 'a' && b[j-1] >= 'a' { // shutDown, QueueFull
				break
			}
			if n < len(buf) {
				buf[n] = b[j] | 0x20
			}
			n++
			j++
		}
		if n >= 3 && n <= len(buf) {
			t |= wordTone(buf[:n])
		}
		i = j
	}
	return t
}

func wordTone(w []byte) tone {
	switch string(w) {
	case "start", "starting", "started", "startup", "starts", "stop", "stopping", "stopped", "shutdown", "shutting", "terminating", "terminated",
		"listening", "listen", "restart", "restarting", "restarted", "autorestarting", "reload", "reloading", "reloaded", "boot", "booting", "booted",
		"sigterm", "sigint", "sighup", "sigquit", "sigkill", "exiting", "exited", "exit", "quitting", "draining", "drained", "graceful", "gracefully",
		"ready", "bye", "spawned", "spawning", "spawn", "respawn", "respawning", "daemonizing", "initialized", "initializing", "uptime", "stopworker":
		return toneLife
	case "deploy", "deploying", "deployed", "deployment", "deploys", "release", "released", "releasing", "rollback", "rollout", "rolled", "rolling",
		"migrate", "migrating", "migrated", "migration", "migrations", "upgrade", "upgraded", "upgrading", "promoted", "promoting", "canary", "helm":
		return toneChange
	case "error", "errors", "fail", "failed", "fails", "failing", "failure", "failures", "exception", "exceptions", "timeout", "timeouts", "timed", "refused",
		"denied", "panic", "fatal", "killed", "killing", "abort", "aborted", "aborting", "unable", "cannot", "full", "deadlock", "deadlocked",
		"disconnect", "disconnected", "cancelled", "canceled", "exceeded", "exhausted", "unavailable", "maintenance", "busy", "overload",
		"overloaded", "crash", "crashed", "corrupt", "broken", "reset", "overflow", "unhealthy", "rejected", "starvation", "leak", "lost", "invalid",
		"traceback", "dumped", "segfault", "oom", "harakiri", "sigpipe", "sigsegv", "sigabrt", "hang", "hung", "stuck", "dropped", "dropping", "shed", "breaker",
		"throttled", "throttling", "limit", "died", "damn", "uncaught", "unhandled", "slow", "insufficient", "unreachable", "expired", "offline", "disabled",
		"queuefull", "appoffline", "connlimit", "oomkilled", "emfile", "econnrefused", "econnreset", "etimedout", "enotfound", "eaddrinuse", "paused", "pause":
		return toneTrouble
	}
	return 0
}
