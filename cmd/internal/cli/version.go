package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"why503/parse/detect"
	"why503/parse/recognise"
	"why503/rules"
)

func versionCommand(version string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is and how much it knows",
		Example: "  why503 version",
		Args:    noArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "why503 %s\n%s %s/%s\n%d log formats, %d messages, %d causes, %d rules\n",
				versionOf(version), runtime.Version(), runtime.GOOS, runtime.GOARCH,
				len(detect.Names()), len(recognise.Default().Events()), len(recognise.Causes()), len(rules.Builtin().Rules()))
		},
	}
}

// versionOf prefers what the linker was told to what the build recorded.
func versionOf(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown version"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "of unknown version"
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused("%s: %s takes no arguments", args[0], c.CommandPath())
	}
	return nil
}
