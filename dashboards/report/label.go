package report

import "strings"

// maxLabel is the room for the name of a lane beside a plot: the gutter
// without the spaces around it.
const maxLabel = gutter - 2

// labels name the lane of a family of causes in one whole word of at most
// maxLabel cells.
var labels = map[string]string{
	"app_error": "error", "overload": "load", "origin_slow": "slow", "health": "probe", "database": "db", "network": "conn",
	"dns_routing": "dns", "tls": "tls", "cache_config": "config", "rate_queue": "limit", "platform": "node", "deliberate": "chosen",
	"client_abort": "client", "unknown": "event",
}

// closer are the labels of causes for which there is a better word than that
// of their family.
var closer = map[string]string{
	"app_error.crash": "crash", "app_error.startup_failed": "start", "app_error.deploy_restart": "deploy", "app_error.rollout_no_drain": "deploy",
	"app_error.dependency_slow": "slow", "app_error.hang": "hang",
	"overload.workers_exhausted": "pool", "overload.backlog_full": "queue", "overload.memory_oom": "memory", "overload.heap_exhausted": "memory",
	"overload.fd_limit": "fds", "overload.disk_full": "disk", "overload.cpu_starved": "cpu", "overload.process_limit": "limit",
	"database.too_many_connections": "limit", "database.pool_exhausted": "pool", "database.slow_query": "slow", "database.lock_wait": "lock",
	"database.deadlock": "lock", "database.storage_full": "disk", "database.crash": "crash", "database.resource_limit": "limit",
	"network.packet_loss": "loss", "network.ephemeral_ports": "ports", "network.unix_socket": "socket",
	"cache_config.max_connections": "limit", "cache_config.storage_full": "disk", "cache_config.workspace_overflow": "memory",
	"cache_config.header_limit": "limit", "cache_config.retry_limit": "limit", "cache_config.vcl_failure": "vcl", "cache_config.proxy_crash": "crash",
	"rate_queue.queue_timeout": "queue", "rate_queue.queue_full": "queue", "platform.crash_loop": "crash",
}

// causeLabel names the lane of a link of a chain.
func causeLabel(slug string) string {
	if l, ok := closer[slug]; ok {
		return l
	}
	parent, _, _ := strings.Cut(slug, ".")
	if l, ok := labels[parent]; ok {
		return l
	}
	return labels["unknown"]
}

// changeLabel names the lane of a trigger by its kind, a word of the rules.
func changeLabel(kind string) string {
	word, _, _ := strings.Cut(kind, "_")
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' }
	if word == "" || len(word) > maxLabel || strings.TrimLeftFunc(word, letter) != "" {
		return "change"
	}
	return word
}
