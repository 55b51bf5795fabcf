// Package conf is the configuration of `why503 serve`: a YAML file, the
// environment and flags, one name for all of them, flag over environment over
// file over default. The key slo.min_requests is WHY503_SLO_MIN_REQUESTS
// and --slo.min-requests.
//
// One table makes all of it: the fields of Config and their tags. Keys, flags,
// variables, the example, the listing of what holds and the messages follow
// from it.
//
// It promises that a key which does not exist, a value of the wrong type or
// unit, and settings that contradict each other are told with file, line,
// column and mend, all of them at once; that what is secret is never printed,
// neither by String nor in a message; and that nothing of a file is executed.
// It leaves out what the settings do: app gives each package its part.
package conf
